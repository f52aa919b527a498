// Tests of files that were not opened by a name: descriptors taken over, given
// away and duplicated, and files without one. In simulation, on real files.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/file.h"
#include "weft/fs/file_lock.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/cancel_at_every_call.h"
#include "weft/tests/fs/file_fixture.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::weft::reactor::Fd;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;

// As somebody else opens a file: to be inherited, and where it stands.
Fd OpenElsewhere(const std::string& path, int flags) {
  Fd fd(::open(path.c_str(), flags));
  EXPECT_FALSE(fd.empty());
  return fd;
}

// --- Taken over -------------------------------------------------------------

TEST_F(FileTest, TakesADescriptorOverWhereItStands) {
  auto use = [](Fd fd) -> Task<absl::Status> {
    File file =
        co_await OrReturn(File::FromFd(std::move(fd), "from elsewhere"));
    EXPECT_EQ(file.path(), "from elsewhere");
    EXPECT_EQ(file.cursor(), 4U);
    EXPECT_EQ(::fcntl(file.fd().get(), F_GETFD), FD_CLOEXEC);
    Buffer buffer(2);
    co_await OrReturn(file.ReadExactly(buffer.span()));
    EXPECT_EQ(buffer.First(2), "45");
    co_await OrReturn(file.WriteAll(Bytes("ab")));
    co_return co_await file.Close();
  };
  HaltingSystem system;
  Fd fd = OpenElsewhere(path_, O_RDWR);
  ASSERT_EQ(::lseek(fd.get(), 4, SEEK_SET), 4);
  Simulator sim({.seed = {}, .system = &system});
  const int before = OpenDescriptors();

  EXPECT_EQ(sim.Run(use(std::move(fd))), absl::OkStatus());

  EXPECT_EQ(directory_.Read("file"), "012345ab89");
  EXPECT_EQ(OpenDescriptors(), before - 1);
}

TEST_F(FileTest, TakesOverThatADescriptorAppends) {
  auto append = [](Fd fd) -> Task<absl::Status> {
    File file = co_await OrReturn(File::FromFd(std::move(fd), "log"));
    co_await OrReturn(file.WriteAll(Bytes("ab")));
    co_return co_await file.WriteAllAt(Bytes("cd"), 0);
  };
  Simulator sim;

  const absl::Status status =
      sim.Run(append(OpenElsewhere(path_, O_WRONLY | O_APPEND)));

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), "0123456789abcd");
}

// A device that has no positions to speak of, and a directory.
TEST_F(FileTest, TakesOverWhateverOpenWouldOpen) {
  Simulator sim;

  for (const std::string& path :
       {std::string("/dev/null"), directory_.path()}) {
    const absl::Status status =
        sim.Run(File::FromFd(OpenElsewhere(path, O_RDONLY), path)).status();
    EXPECT_EQ(status, absl::OkStatus()) << path;
  }
}

TEST_F(FileTest, RefusesADescriptorOfWhatIsNoFileAndClosesIt) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  const Fd other_end(ends[1]);
  Simulator sim;
  const int before = OpenDescriptors();

  const absl::Status pipe =
      sim.Run(File::FromFd(Fd(ends[0]), "stdin")).status();
  const absl::Status socket =
      sim.Run(File::FromFd(Fd(::socket(AF_UNIX, SOCK_STREAM, 0)), "peer"))
          .status();

  for (const absl::Status& refusal : {pipe, socket}) {
    EXPECT_EQ(refusal.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(refusal.message()),
                HasSubstr("is no file: it has neither a size nor positions"));
  }
  EXPECT_THAT(std::string(pipe.message()),
              StartsWith("adopt(\"stdin\"): a pi"));
  EXPECT_THAT(std::string(socket.message()), HasSubstr("a socket"));
  EXPECT_EQ(OpenDescriptors(), before - 1);
}

// As Linux answers for those.
TEST_F(FileTest, RefusesAnEventQueue) {
  class OfNoKind : public SimulatedSystem {
   public:
    int fstat(int, struct stat* out) override {
      *out = {};
      return 0;
    }
  } system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::Status status =
      sim.Run(File::FromFd(OpenElsewhere(path_, O_RDONLY), "queue")).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("an event queue"));
}

TEST_F(FileTest, SaysThatThereIsNoDescriptor) {
  Simulator sim;

  const absl::Status status = sim.Run(File::FromFd(Fd(), "nothing")).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()),
            "fstat(\"nothing\"): Bad file descriptor");
}

TEST_F(FileTest, ClosesADescriptorThatItCannotPrepare) {
  class Stubborn : public SimulatedSystem {
   public:
    int fcntl(int, int, int) override {
      errno = EPERM;
      return -1;
    }
  } system;
  Fd fd = OpenElsewhere(path_, O_RDONLY);
  Simulator sim({.seed = {}, .system = &system});
  const int before = OpenDescriptors();

  const absl::Status status =
      sim.Run(File::FromFd(std::move(fd), "file")).status();

  EXPECT_EQ(std::string(status.message()),
            "fcntl(\"file\"): Operation not permitted");
  EXPECT_EQ(OpenDescriptors(), before - 1);
}

// --- Given away -------------------------------------------------------------

TEST_F(FileTest, GivesItsDescriptorAwayOpen) {
  const absl::Status status =
      WithFile(kReadWrite, [](File& file) -> Task<absl::Status> {
        co_await OrReturn(file.WriteAll(Bytes("ab")));
        const int open = OpenDescriptors();
        const Fd fd = file.TakeFd();
        EXPECT_EQ(file.cursor(), 2U);
        EXPECT_EQ(::lseek(fd.get(), 0, SEEK_CUR), 0);
        EXPECT_EQ(::write(fd.get(), "c", 1), 1);
        absl::Status written = co_await file.WriteAll(Bytes("d"));
        EXPECT_EQ(written.code(), absl::StatusCode::kFailedPrecondition);
        co_await OrReturn(file.Close());
        EXPECT_EQ(OpenDescriptors(), open);
        EXPECT_TRUE(file.TakeFd().empty());
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), "cb23456789");
}

// --- Duplicated -------------------------------------------------------------

TEST_F(FileTest, ADuplicateHasTheSameBytesAndACursorOfItsOwn) {
  const absl::Status status =
      WithFile(kReadWrite, [](File& file) -> Task<absl::Status> {
        file.set_cursor(2);
        File other = co_await OrReturn(file.Duplicate());
        EXPECT_EQ(::fcntl(other.fd().get(), F_GETFD), FD_CLOEXEC);
        EXPECT_EQ(other.path(), file.path());
        EXPECT_EQ(other.cursor(), 2U);
        co_await OrReturn(other.WriteAll(Bytes("ab")));
        EXPECT_EQ(file.cursor(), 2U);
        Buffer buffer(2);
        co_await OrReturn(file.ReadExactly(buffer.span()));
        EXPECT_EQ(buffer.First(2), "ab");
        co_await OrReturn(file.Close());
        co_return co_await other.Truncate(5);
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), "01ab4");
}

TEST_F(FileTest, ADuplicateOfAFileThatAppendsAppends) {
  const OpenOptions append = {.access = Access::kWrite, .append = true};
  const absl::Status status =
      WithFile(append, [](File& file) -> Task<absl::Status> {
        File other = co_await OrReturn(file.Duplicate());
        co_await OrReturn(other.WriteAllAt(Bytes("ab"), 0));
        co_return co_await file.WriteAllAt(Bytes("cd"), 0);
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), "0123456789abcd");
}

// flock(2): it belongs to the opening.
TEST_F(FileTest, ADuplicateSharesTheLock) {
  auto share = [](std::string path) -> Task<absl::Status> {
    File file = co_await OrReturn(File::Open(path));
    File stranger = co_await OrReturn(File::Open(path));
    File other = co_await OrReturn(file.Duplicate());
    FileLock lock = co_await OrReturn(TryLockFile(file, LockKind::kExclusive));
    FileLock same = co_await OrReturn(TryLockFile(other, LockKind::kExclusive));
    FileLock none =
        co_await OrReturn(TryLockFile(stranger, LockKind::kExclusive));
    EXPECT_TRUE(lock && same);
    EXPECT_FALSE(none);
    co_await OrReturn(same.Release());
    FileLock free =
        co_await OrReturn(TryLockFile(stranger, LockKind::kExclusive));
    EXPECT_TRUE(free);
    co_return absl::OkStatus();
  };
  Simulator sim;

  EXPECT_EQ(sim.Run(share(path_)), absl::OkStatus());
}

TEST_F(FileTest, SaysWhyThereIsNoDuplicate) {
  class Full : public SimulatedSystem {
   public:
    int fcntl(int, int, int) override {
      errno = EMFILE;
      return -1;
    }
  } full;
  auto duplicate = [](File& file) -> Task<absl::Status> {
    absl::StatusOr<File> other = file.Duplicate();
    co_return other.status();
  };
  auto duplicate_closed = [](File& file) -> Task<absl::Status> {
    co_await OrReturn(file.Close());
    absl::StatusOr<File> other = file.Duplicate();
    co_return other.status();
  };

  const absl::Status none_left = WithFile(full, {}, duplicate);
  const absl::Status closed = WithFile({}, duplicate_closed);

  EXPECT_EQ(none_left.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::string(none_left.message()),
            "fcntl(\"" + path_ + "\"): Too many open files");
  EXPECT_EQ(closed.code(), absl::StatusCode::kFailedPrecondition);
}

// --- Without a name ---------------------------------------------------------

// Where every file is made by its name.
class NamesOnly : public HaltingSystem {
 public:
  int open(const char* path, int flags, mode_t mode) override {
    if ((flags & O_CREAT) != 0) return HaltingSystem::open(path, flags, mode);
    errno = EOPNOTSUPP;
    return -1;
  }
};

Task<absl::Status> UseUnnamed(const weft::testing::TemporaryDirectory& in) {
  File file = co_await OrReturn(File::OpenUnnamed(in.path()));
  EXPECT_THAT(in.Names(), IsEmpty());
  co_await OrReturn(file.WriteAll(Bytes("abc")));
  Buffer buffer(3);
  co_await OrReturn(file.ReadExactlyAt(buffer.span(), 0));
  EXPECT_EQ(buffer.First(3), "abc");
  Metadata about = co_await OrReturn(file.GetMetadata());
  EXPECT_EQ(about.permissions, 0600U);
  EXPECT_EQ(about.links, 0U);
  EXPECT_EQ(file.path(), in.path() + "/(unnamed)");
  co_return co_await file.Close();
}

TEST(UnnamedFileTest, IsReadAndWrittenAndNobodySeesIt) {
  const weft::testing::TemporaryDirectory directory;
  HaltingSystem halting;
  NamesOnly names_only;

  for (SimulatedSystem* const system :
       std::array<SimulatedSystem*, 2>{&halting, &names_only}) {
    Simulator sim({.seed = {}, .system = system});
    EXPECT_EQ(sim.Run(UseUnnamed(directory)), absl::OkStatus());
    EXPECT_THAT(directory.Names(), IsEmpty());
  }
}

TEST(UnnamedFileTest, SaysWhyThereIsNone) {
  Simulator sim;

  const absl::Status status = sim.Run(File::OpenUnnamed("/none")).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              StartsWith("open(\"/none\"): No "));
}

TEST(UnnamedFileTest, TellsTheNameThatItCannotRemove) {
  class Keeping : public NamesOnly {
   public:
    int unlink(const char*) override {
      errno = EIO;
      return -1;
    }
  } system;
  const weft::testing::TemporaryDirectory directory;
  Simulator sim({.seed = {}, .system = &system});
  const int before = OpenDescriptors();

  const absl::Status status =
      sim.Run(File::OpenUnnamed(directory.path())).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  ASSERT_EQ(directory.Names().size(), 1U);
  const std::string left = directory / *directory.Names().begin();
  EXPECT_EQ(std::string(status.message()),
            "unlink(\"" + left + "\"): Input/output error");
  EXPECT_EQ(OpenDescriptors(), before);
}

// --- Cancellation -----------------------------------------------------------

Task<absl::Status> UseAllOfThem(const weft::testing::TemporaryDirectory& in,
                                int& done) {
  File file = co_await OrReturn(File::Open(in / "file", kReadWrite));
  ++done;
  File same = co_await OrReturn(File::FromFd(file.TakeFd(), "the same"));
  ++done;
  File other = co_await OrReturn(same.Duplicate());
  File unnamed = co_await OrReturn(File::OpenUnnamed(in.path()));
  ++done;
  co_await OrReturn(other.WriteAll(Bytes("ab")));
  ++done;
  co_return absl::OkStatus();
}

TEST(FileDescriptorCancellationTest, NothingIsLeftOpenWhereverItComes) {
  std::optional<weft::testing::TemporaryDirectory> directory;
  int done = 0;

  const int cancelled = CancelAtEveryCall(
      [&] {
        directory.emplace();
        directory->Write("file", "0123");
        done = 0;
        return UseAllOfThem(*directory, done);
      },
      [&](const absl::Status& status) {
        EXPECT_EQ(status.ok(), done == 4);
        EXPECT_EQ(directory->Read("file"), done == 4 ? "ab23" : "0123");
        EXPECT_EQ(directory->Names().size(), 1U);
      });

  EXPECT_GE(cancelled, 4);
}

}  // namespace
}  // namespace weft::fs
