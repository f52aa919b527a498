// Stress of fs/ on real threads: many tasks read, write and replace many files
// at a time, and every answer is checked.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/directory.h"
#include "weft/fs/file.h"
#include "weft/fs/file_lock.h"
#include "weft/fs/names.h"
#include "weft/fs/read_file.h"
#include "weft/fs/watch.h"
#include "weft/fs/write_file.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::TemporaryDirectory;

constexpr absl::Duration kShort = absl::Milliseconds(1);
constexpr OpenOptions kOpened = {.access = Access::kReadWrite};
constexpr OpenOptions kNew = {.access = Access::kReadWrite,
                              .create = Create::kExclusive};

// A System in whose cache every third read finds nothing, so that reads go both
// ways.
class HalfCachedSystem : public reactor::System {
 public:
  ssize_t pread_nowait(int fd, void* buffer, std::size_t size,
                       off_t at) override {
    // relaxed: a count.
    if (reads_.fetch_add(1, std::memory_order_relaxed) % 3 == 0) {
      errno = EAGAIN;
      return -1;
    }
    return System::pread(fd, buffer, size, at);
  }

 private:
  std::atomic<int> reads_{0};
};

// The number at `index` of the file `name`: one that no other place has.
std::uint64_t NumberAt(int name, int index) {
  return (static_cast<std::uint64_t>(name) << 32) +
         static_cast<std::uint64_t>(index);
}

std::span<std::byte> BytesOf(std::uint64_t& number) {
  return std::as_writable_bytes(std::span(&number, 1));
}

std::uint64_t OffsetOf(int index) {
  return static_cast<std::uint64_t>(index) * sizeof(std::uint64_t);
}

constexpr int kNumbers = 64;

// Each of `parts` tasks writes every parts-th number, and reads it again.
Task<absl::Status> WriteAndRead(const File& file, int name, int part,
                                int parts) {
  for (int i = part; i < kNumbers; i += parts) {
    std::uint64_t number = NumberAt(name, i);
    co_await OrReturn(file.WriteAllAt(BytesOf(number), OffsetOf(i)));
    std::uint64_t again = 0;
    co_await OrReturn(file.ReadExactlyAt(BytesOf(again), OffsetOf(i)));
    EXPECT_EQ(again, number);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ReadThrough(const File& file, int name) {
  for (int i = 0; i < kNumbers; ++i) {
    std::uint64_t number = 0;
    co_await OrReturn(file.ReadExactlyAt(BytesOf(number), OffsetOf(i)));
    EXPECT_EQ(number, NumberAt(name, i));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> FillFile(std::string path, int name) {
  constexpr int kParts = 4;
  File file = co_await OrReturn(File::Open(path, kNew));
  co_await OrReturn(WithScope([&](Scope& writers) -> Task<absl::Status> {
    for (int part = 0; part < kParts; ++part) {
      writers.Spawn(WriteAndRead(file, name, part, kParts));
    }
    co_return absl::OkStatus();
  }));
  co_await OrReturn(WithScope([&](Scope& readers) -> Task<absl::Status> {
    for (int i = 0; i < kParts; ++i) readers.Spawn(ReadThrough(file, name));
    co_return absl::OkStatus();
  }));
  co_await OrReturn(file.Sync());
  co_return co_await file.Close();
}

Task<absl::Status> FillFiles(const TemporaryDirectory& directory, int files) {
  co_return co_await WithScope([&](Scope& fillers) -> Task<absl::Status> {
    for (int name = 0; name < files; ++name) {
      fillers.Spawn(FillFile(directory / absl::StrCat("file", name), name));
    }
    co_return absl::OkStatus();
  });
}

TEST(FsStressTest, ManyTasksReadAndWriteManyFiles) {
  constexpr int kFiles = 50;
  TemporaryDirectory directory;
  HalfCachedSystem system;
  const int before = OpenDescriptors();
  {
    Runtime runtime(
        {.workers = 2, .max_blocking_threads = 8, .system = &system});

    EXPECT_EQ(runtime.BlockOn(FillFiles(directory, kFiles)), absl::OkStatus());
  }

  EXPECT_EQ(directory.Names().size(), static_cast<std::size_t>(kFiles));
  EXPECT_EQ(OpenDescriptors(), before);
}

// --- Locks ---

// Counts up what is in the file, which is wrong once two do so at a time. Each
// task has an opening of its own, as a program of its own would.
Task<absl::Status> CountUp(std::string path, int times) {
  File file = co_await OrReturn(File::Open(path, kOpened));
  for (int i = 0; i < times; ++i) {
    FileLock lock = co_await OrReturn(LockFile(file, LockKind::kExclusive));
    std::uint64_t count = 0;
    co_await OrReturn(file.ReadExactlyAt(BytesOf(count), 0));
    ++count;
    co_await OrReturn(file.WriteAllAt(BytesOf(count), 0));
    co_await OrReturn(lock.Release());
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::uint64_t>> CountTogether(std::string path, int tasks,
                                                  int times) {
  File file = co_await OrReturn(File::Open(path, kNew));
  std::uint64_t count = 0;
  co_await OrReturn(file.WriteAllAt(BytesOf(count), 0));
  co_await OrReturn(WithScope([&](Scope& counters) -> Task<absl::Status> {
    for (int i = 0; i < tasks; ++i) counters.Spawn(CountUp(path, times));
    co_return absl::OkStatus();
  }));
  co_await OrReturn(file.ReadExactlyAt(BytesOf(count), 0));
  co_return count;
}

TEST(FsStressTest, ALockOfAFileLetsOneInAtATime) {
  TemporaryDirectory directory;
  Runtime runtime({.workers = 2, .max_blocking_threads = 4});

  const absl::StatusOr<std::uint64_t> count =
      runtime.BlockOn(CountTogether(directory / "file", 4, 20));

  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(*count, 80U);
}

// --- Watches ---

struct Taken {
  int names = 0;
  std::set<WatchId> of_names;  // Where it is not told which.
  int ended = 0;
};

Task<absl::Status> TakeUntilClosed(Watcher& watcher, Taken& taken) {
  for (;;) {
    absl::StatusOr<FileChange> change = co_await watcher.Next();
    if (absl::IsFailedPrecondition(change.status())) break;
    co_await OrReturn(change.status());
    const FileChangeKind kind = change->kind;
    EXPECT_NE(kind, FileChangeKind::kOverflow);
    if (kind == FileChangeKind::kCreated) ++taken.names;
    if (kind == FileChangeKind::kEntries) taken.of_names.insert(change->watch);
    if (kind == FileChangeKind::kUnwatched) ++taken.ended;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> MakeFiles(std::string path, Watcher& watcher, int count) {
  co_await OrReturn(CreateDirectory(path));
  WatchId watch = co_await OrReturn(watcher.Add(path));
  for (int i = 0; i < count; ++i) {
    co_await OrReturn(CreateDirectory(absl::StrCat(path, "/", i)));
  }
  co_return watcher.Remove(watch);
}

// Watches are added and removed while somebody waits for changes.
Task<absl::Status> WatchAndClose(const TemporaryDirectory& in, Taken& taken) {
  Watcher watcher = co_await OrReturn(Watcher::Create());
  JoinHandle<absl::Status> taker =
      Spawn(TakeUntilClosed, std::ref(watcher), std::ref(taken));
  absl::Status made =
      co_await WithScope([&](Scope& makers) -> Task<absl::Status> {
        for (int i = 0; i < 4; ++i) {
          makers.Spawn(MakeFiles(in / absl::StrCat(i), watcher, 25));
        }
        co_return absl::OkStatus();
      });
  while (made.ok() && taken.ended < 4) co_await OrReturn(SleepFor(kShort));
  watcher.Close();
  co_await OrReturn(taker.Join());
  co_return made;
}

TEST(FsStressTest, AWatcherTellsEveryChangeWhileWatchesComeAndGo) {
  TemporaryDirectory directory;
  const int before = OpenDescriptors();
  Taken taken;
  {
    // One worker: the tasks share the counts.
    Runtime runtime({.workers = 1, .max_blocking_threads = 4});

    EXPECT_EQ(runtime.BlockOn(WatchAndClose(directory, taken)),
              absl::OkStatus());
  }

  // What is told last of a watch is that it has ended.
  EXPECT_TRUE(taken.names == 100 || taken.of_names.size() == 4);
  EXPECT_EQ(OpenDescriptors(), before);
}

// One letter, over and over: a mixture of two contents has two.
std::string Contents(int version) {
  const std::size_t size = 10'000 + static_cast<std::size_t>(version) * 1000;
  return std::string(size, static_cast<char>('a' + version % 26));
}

Task<absl::Status> Replace(std::string path, int first_version) {
  for (int version = first_version; version < first_version + 5; ++version) {
    const std::string contents = Contents(version);
    co_await OrReturn(WriteFileAtomically(path, contents));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ReadWhole(std::string path) {
  for (int i = 0; i < 50; ++i) {
    std::string text = co_await OrReturn(ReadFile(path));
    const int version = static_cast<int>(text.size() - 10'000) / 1000;
    EXPECT_TRUE(text == Contents(version)) << text.size() << " bytes";
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ReplaceAndRead(std::string path) {
  const std::string contents = Contents(0);
  co_await OrReturn(WriteFileAtomically(path, contents));
  co_return co_await WithScope([&](Scope& tasks) -> Task<absl::Status> {
    for (int i = 0; i < 4; ++i) {
      tasks.Spawn(Replace(path, 5 * i));
      tasks.Spawn(ReadWhole(path));
    }
    co_return absl::OkStatus();
  });
}

TEST(FsStressTest, ReadersOfAFileThatIsReplacedNeverSeeAMixture) {
  TemporaryDirectory directory;
  const int before = OpenDescriptors();
  {
    Runtime runtime({.workers = 2});

    EXPECT_EQ(runtime.BlockOn(ReplaceAndRead(directory / "file")),
              absl::OkStatus());
  }

  EXPECT_THAT(directory.Names(), ElementsAre("file"));
  EXPECT_EQ(OpenDescriptors(), before);
}

// Replaces a file in several steps and is cancelled at some moment: whether it
// was too late.
Task<absl::StatusOr<bool>> ReplaceUntilCancelled(std::string path,
                                                 const std::string& contents,
                                                 int moment) {
  JoinHandle<absl::Status> writer = Spawn(WriteFileAtomically(path, contents));
  co_await OrReturn(SleepFor(absl::Microseconds(200 * moment)));
  writer.Cancel();
  absl::Status status = co_await writer.Join();
  if (absl::IsCancelled(status)) co_return false;
  co_await OrReturn(status);
  co_return true;
}

TEST(FsStressTest, AReplacementThatIsCancelledAtAnyMomentLeavesAWholeFile) {
  TemporaryDirectory directory;
  const std::string contents(3'000'000, 'n');
  Runtime runtime({.workers = 2});
  for (int moment = 0; moment < 40; ++moment) {
    directory.Write("file", "old");

    const absl::StatusOr<bool> replaced = runtime.BlockOn(
        ReplaceUntilCancelled(directory / "file", contents, moment));

    ASSERT_TRUE(replaced.ok()) << replaced.status();
    const std::string text = directory.Read("file");
    EXPECT_TRUE(text == (*replaced ? contents : "old"))
        << text.size() << " bytes";
    EXPECT_THAT(directory.Names(), ElementsAre("file"));
  }
}

Task<absl::Status> ReadForEver(std::string path) {
  File file = co_await OrReturn(File::Open(path));
  for (;;) {
    std::uint64_t number = 0;
    std::size_t got = co_await OrReturn(file.ReadAt(BytesOf(number), 0));
    EXPECT_EQ(got, sizeof(number));
  }
}

TEST(FsStressTest, TasksThatReadForEverEndWithTheirRuntime) {
  TemporaryDirectory directory;
  directory.Write("file", "01234567");
  HalfCachedSystem system;
  const int before = OpenDescriptors();
  {
    Runtime runtime(
        {.workers = 2, .max_blocking_threads = 4, .system = &system});
    for (int i = 0; i < 20; ++i) {
      runtime.Spawn(ReadForEver(directory / "file")).Detach();
    }
    auto wait = []() -> Task<absl::Status> {
      co_return co_await SleepFor(absl::Milliseconds(20));
    };
    EXPECT_EQ(runtime.BlockOn(wait()), absl::OkStatus());
  }

  EXPECT_EQ(OpenDescriptors(), before);
}

Task<absl::Status> ListAll(std::string path, std::size_t expected) {
  AsyncGenerator<absl::StatusOr<DirectoryEntry>> listing = ListDirectory(path);
  std::set<std::string> names;
  for (;;) {
    std::optional<absl::StatusOr<DirectoryEntry>> item =
        co_await listing.Next();
    if (!item.has_value()) break;
    DirectoryEntry entry = co_await OrReturn(*std::move(item));
    names.insert(std::move(entry.name));
  }
  EXPECT_EQ(names.size(), expected);
  co_return absl::OkStatus();
}

Task<absl::Status> ListSome(std::string path, int count) {
  AsyncGenerator<absl::StatusOr<DirectoryEntry>> listing = ListDirectory(path);
  for (int i = 0; i < count; ++i) {
    std::optional<absl::StatusOr<DirectoryEntry>> item =
        co_await listing.Next();
    if (!item.has_value()) co_return absl::NotFoundError("too few");
    co_await OrReturn(item->status());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ListOften(std::string path, std::size_t expected) {
  co_return co_await WithScope([&](Scope& listers) -> Task<absl::Status> {
    for (int i = 0; i < 20; ++i) {
      listers.Spawn(ListAll(path, expected));
      listers.Spawn(ListSome(path, 30 * i));
    }
    co_return absl::OkStatus();
  });
}

TEST(FsStressTest, ManyTasksListADirectoryToItsEndOrNot) {
  constexpr std::size_t kEntries = 1000;
  TemporaryDirectory directory;
  for (std::size_t i = 0; i < kEntries; ++i) {
    directory.Write(absl::StrCat("entry", i), "");
  }
  const int before = OpenDescriptors();
  {
    Runtime runtime({.workers = 2});

    EXPECT_EQ(runtime.BlockOn(ListOften(directory.path(), kEntries)),
              absl::OkStatus());
  }

  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace weft::fs
