// Tests of cancellation in files and directories: during any call into the
// system. What has begun is finished and says so, nothing else begins, and no
// descriptor is left open.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/directory.h"
#include "weft/fs/file.h"
#include "weft/fs/metadata.h"
#include "weft/fs/names.h"
#include "weft/fs/read_file.h"
#include "weft/fs/space.h"
#include "weft/runtime/or_return.h"
#include "weft/tests/fs/cancel_at_every_call.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::ElementsAre;
using ::weft::testing::TemporaryDirectory;

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// --- A file -----------------------------------------------------------------

enum class Done { kNothing, kOpened, kWritten, kTruncated, kRead, kClosed };

Task<absl::Status> UseFile(std::string path, Done& done) {
  const OpenOptions make = {.access = Access::kReadWrite,
                            .create = Create::kExclusive};
  File file = co_await OrReturn(File::Open(path, make));
  done = Done::kOpened;
  co_await OrReturn(file.WriteAll(Bytes("abcdef")));
  done = Done::kWritten;
  co_await OrReturn(file.Truncate(5));
  done = Done::kTruncated;
  co_await OrReturn(file.Sync());
  std::string text(5, '.');
  co_await OrReturn(
      file.ReadExactlyAt(std::as_writable_bytes(std::span(text)), 0));
  EXPECT_EQ(text, "abcde");
  Metadata about = co_await OrReturn(file.GetMetadata());
  EXPECT_EQ(about.size, 5U);
  done = Done::kRead;
  co_await OrReturn(file.Close());
  done = Done::kClosed;
  co_return absl::OkStatus();
}

std::set<std::string> NamesAfter(Done done) {
  if (done == Done::kNothing) return {};
  return {"file"};
}

std::string ContentsAfter(Done done) {
  if (done < Done::kWritten) return "";
  return done < Done::kTruncated ? "abcdef" : "abcde";
}

TEST(FileCancellationTest, WhatAFileHasSaidIsWhatItHasDone) {
  std::optional<TemporaryDirectory> directory;
  Done done = Done::kNothing;

  const int cancelled = CancelAtEveryCall(
      [&] {
        directory.emplace();
        done = Done::kNothing;
        return UseFile(*directory / "file", done);
      },
      [&](const absl::Status& status) {
        EXPECT_EQ(status.ok(), done == Done::kClosed);
        EXPECT_EQ(directory->Names(), NamesAfter(done));
        EXPECT_EQ(directory->Read("file"), ContentsAfter(done));
      });

  EXPECT_GE(cancelled, 8);
}

TEST(FileCancellationTest, ReadingAWholeFileLeavesNothingOpen) {
  TemporaryDirectory directory;
  const std::string contents(3'500'000, 'x');
  directory.Write("file", contents);
  auto read = [](std::string path, std::size_t size) -> Task<absl::Status> {
    std::string text = co_await OrReturn(ReadFile(path));
    EXPECT_EQ(text.size(), size);
    co_return absl::OkStatus();
  };

  const int cancelled = CancelAtEveryCall(
      [&] { return read(directory / "file", contents.size()); },
      [](const absl::Status&) {});

  EXPECT_GE(cancelled, 4);  // Before it began, and between its megabytes.
}

// --- Directories ------------------------------------------------------------

Task<absl::Status> ListInto(std::string path, std::set<std::string>& names) {
  AsyncGenerator<absl::StatusOr<DirectoryEntry>> listing = ListDirectory(path);
  for (;;) {
    std::optional<absl::StatusOr<DirectoryEntry>> item =
        co_await listing.Next();
    if (!item.has_value()) co_return absl::OkStatus();
    DirectoryEntry entry = co_await OrReturn(*std::move(item));
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name << " came twice";
  }
}

TEST(DirectoryCancellationTest, AListingIsClosedAndHasGivenWholeBatches) {
  constexpr std::size_t kFiles = 700;  // Three batches.
  TemporaryDirectory directory;
  for (std::size_t i = 0; i < kFiles; ++i) {
    directory.Write(absl::StrCat(i), "");
  }
  std::set<std::string> names;
  std::set<std::size_t> counts;

  const int cancelled = CancelAtEveryCall(
      [&] {
        names.clear();
        return ListInto(directory.path(), names);
      },
      [&](const absl::Status& status) {
        EXPECT_EQ(status.ok(), names.size() == kFiles);
        counts.insert(names.size());
      },
      /*stride=*/11);

  EXPECT_GE(cancelled, 2);
  EXPECT_THAT(counts, ElementsAre(0, 256, 512, kFiles));
}

Task<absl::Status> ChangeAttributes(const TemporaryDirectory& in, int& done) {
  File file = co_await OrReturn(File::Open(in / "file"));
  ++done;
  Space space = co_await OrReturn(GetSpace(in.path()));
  ++done;
  space = co_await OrReturn(GetSpace(file));
  EXPECT_GE(space.total, space.free);
  ++done;
  co_await OrReturn(SetOwner(in / "file", FileOwner()));
  ++done;
  co_await OrReturn(file.SetOwner(FileOwner()));
  ++done;
  co_await OrReturn(Rename(in / "file", in / "moved", Overwrite::kNo));
  ++done;
  co_return absl::OkStatus();
}

TEST(DirectoryCancellationTest, WhatIsCancelledHasNotMovedAFile) {
  std::optional<TemporaryDirectory> directory;
  int done = 0;

  const int cancelled = CancelAtEveryCall(
      [&] {
        directory.emplace();
        directory->Write("file", "");
        done = 0;
        return ChangeAttributes(*directory, done);
      },
      [&](const absl::Status& status) {
        EXPECT_EQ(status.ok(), done == 6);
        EXPECT_THAT(directory->Names(),
                    ElementsAre(done == 6 ? "moved" : "file"));
      });

  EXPECT_GE(cancelled, 6);
}

Task<absl::Status> ChangeNames(const TemporaryDirectory& in, int& done) {
  co_await OrReturn(CreateDirectory(in / "made"));
  ++done;
  co_await OrReturn(Rename(in / "made", in / "moved"));
  ++done;
  co_await OrReturn(RemoveFile(in / "file"));
  ++done;
  Metadata about = co_await OrReturn(GetMetadata(in / "moved"));
  EXPECT_EQ(about.kind, FileKind::kDirectory);
  co_await OrReturn(RemoveDirectory(in / "moved"));
  ++done;
  co_return absl::OkStatus();
}

TEST(DirectoryCancellationTest, WhatIsCancelledHasChangedNoName) {
  const std::set<std::string> after[] = {
      {"file"}, {"file", "made"}, {"file", "moved"}, {"moved"}, {}};
  std::optional<TemporaryDirectory> directory;
  int done = 0;

  const int cancelled = CancelAtEveryCall(
      [&] {
        directory.emplace();
        directory->Write("file", "");
        done = 0;
        return ChangeNames(*directory, done);
      },
      [&](const absl::Status& status) {
        EXPECT_EQ(status.ok(), done == 4);
        EXPECT_EQ(directory->Names(), after[done]);
      });

  EXPECT_EQ(cancelled, 5);  // Before it began, and in all calls but the last.
}

}  // namespace
}  // namespace weft::fs
