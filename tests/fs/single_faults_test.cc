// Tests that what is done with the bytes of files bears every single fault of
// the system: it ends with what failed, leaves nothing open, and what is in the
// file is what it says.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/single_faults.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/fs/copy_file.h"
#include "weft/fs/copy_range.h"
#include "weft/fs/file.h"
#include "weft/fs/file_lock.h"
#include "weft/fs/lines.h"
#include "weft/fs/read_file.h"
#include "weft/fs/space.h"
#include "weft/fs/write_file.h"
#include "weft/fs/write_in_place.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/tests/fs/session_folder.h"

namespace weft::fs {
namespace {

using ::weft::tests::FaultsBorne;

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string Text(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

// --- Reading and writing ----------------------------------------------------

// Reads to the end, by pieces and in parts.
Task<absl::StatusOr<std::string>> ReadByPieces(File& file) {
  std::array<std::byte, 8> one;
  std::array<std::byte, 256> other;
  const std::array<std::span<std::byte>, 2> parts = {one, other};
  co_await OrReturn(file.ReadExactly(one));
  std::string text = Text(one);
  for (;;) {
    const std::size_t got = co_await OrReturn(file.ReadVectored(parts));
    if (got == 0) co_return text;
    const std::size_t of_one = std::min(got, one.size());
    text += Text(std::span(one).first(of_one));
    text += Text(std::span(other).first(got - of_one));
  }
}

Task<absl::Status> WriteAndRead(std::string folder) {
  OpenOptions options = kReplace;
  options.access = Access::kReadWrite;
  File file = co_await OrReturn(File::Open(folder + "/new", options));
  co_await OrReturn(file.Allocate(0, 2 * kText.size()));
  co_await OrReturn(file.WriteAll(Bytes(kText)));
  std::size_t left = kText.size();
  while (left > 0) {
    const std::string_view rest = kText.substr(kText.size() - left);
    const std::array<std::span<const std::byte>, 2> parts = {
        Bytes(rest.substr(0, 1)), Bytes(rest.substr(1))};
    const std::size_t taken = co_await OrReturn(file.WriteVectored(parts));
    left -= taken;
  }
  co_await OrReturn(file.SyncData());
  co_await OrReturn(file.WriteAllDurablyAt(Bytes(kText), 0));
  const Metadata about = co_await OrReturn(file.GetMetadata());
  EXPECT_EQ(about.size, 2 * kText.size());
  co_await OrReturn(file.Advise(0, 0, reactor::FileAdvice::kSequential));
  file.set_cursor(0);
  const std::string text = co_await OrReturn(ReadByPieces(file));
  EXPECT_EQ(text, absl::StrCat(std::string(kText), std::string(kText)));
  co_await OrReturn(file.Truncate(kText.size()));
  co_await OrReturn(file.SetPermissions(0600));
  const FileOwner nobody_else = {.user = about.user, .group = about.group};
  co_await OrReturn(file.SetOwner(nobody_else));
  const Space space = co_await OrReturn(GetSpace(file));
  EXPECT_GE(space.total, space.free);
  co_await OrReturn(file.Sync());
  co_return co_await file.Close();
}

// What was acknowledged is there.
absl::Status CheckWritten(const absl::Status& ended,
                          const SessionFolder& folder) {
  if (!ended.ok() || folder.get().Read("new") == kText) return absl::OkStatus();
  return absl::InternalError("the file holds something else");
}

TEST(SingleFaultsTest, AFileThatIsWrittenAndReadBearsEveryOne) {
  SessionFolder folder;

  const int borne = FaultsBorne(InFolder(folder, WriteAndRead, CheckWritten));

  EXPECT_GE(borne, 400);
}

Task<absl::Status> AppendTwice(std::string folder) {
  File file = co_await OrReturn(File::Open(folder + "/old", kAppend));
  FileLock lock = co_await OrReturn(LockFile(file, LockKind::kExclusive));
  co_await OrReturn(file.WriteAll(Bytes(kText)));
  co_await OrReturn(lock.Release());
  co_return co_await file.Close();
}

// As much of it as was taken, and in its place.
absl::Status CheckAppended(const absl::Status& ended,
                           const SessionFolder& folder) {
  const std::string whole =
      absl::StrCat(std::string(kText), std::string(kText));
  const std::string found = folder.get().Read("old");
  if (found == whole) return absl::OkStatus();
  const bool begins = found.size() >= kText.size() && whole.starts_with(found);
  if (!ended.ok() && begins) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the file holds \"", found, "\""));
}

TEST(SingleFaultsTest, AFileThatIsAppendedToBearsEveryOne) {
  SessionFolder folder;

  const int borne = FaultsBorne(InFolder(folder, AppendTwice, CheckAppended));

  EXPECT_GE(borne, 110);
}

// By a descriptor that has gone from hand to hand, and in a file without a
// name.
Task<absl::Status> PassAround(std::string folder) {
  OpenOptions options = kReplace;
  options.links = Links::kNoFollow;
  options.durability = Durability::kEveryWrite;
  File first = co_await OrReturn(File::Open(folder + "/new", options));
  File second = co_await OrReturn(File::FromFd(first.TakeFd(), "passed"));
  File third = co_await OrReturn(second.Duplicate());
  File scratch = co_await OrReturn(File::OpenUnnamed(folder));
  co_await OrReturn(scratch.WriteAll(Bytes("unseen")));
  co_await OrReturn(third.WriteAll(Bytes(kText)));
  co_await OrReturn(second.Close());
  co_return co_await third.Close();
}

absl::Status CheckPassed(const absl::Status& ended,
                         const SessionFolder& folder) {
  absl::Status held = CheckWritten(ended, folder);
  // Where no file is without a name, it is an unlink that may fail, too.
  const std::string message(ended.message());
  const bool kept = message.find("unlink(") != std::string::npos;
  if (!kept) held.Update(folder.CheckNothingTemporaryIsLeft());
  return held;
}

TEST(SingleFaultsTest, ADescriptorThatIsPassedAroundBearsEveryOne) {
  SessionFolder folder;

  const int borne = FaultsBorne(InFolder(folder, PassAround, CheckPassed));

  EXPECT_GE(borne, 150);
}

Task<absl::Status> CountLines(std::string folder) {
  File file = co_await OrReturn(File::Open(folder + "/old"));
  AsyncGenerator<absl::StatusOr<std::string_view>> lines = ReadLines(file);
  std::string all;
  while (std::optional<absl::StatusOr<std::string_view>> line =
             co_await lines.Next()) {
    const std::string_view text = co_await OrReturn(*std::move(line));
    all += text;
  }
  EXPECT_EQ(all, kText);
  co_return absl::OkStatus();
}

TEST(SingleFaultsTest, LinesBearEveryOne) {
  SessionFolder folder;

  const int borne = FaultsBorne(InFolder(folder, CountLines, NothingMore));

  EXPECT_GE(borne, 110);
}

// --- Whole files ------------------------------------------------------------

Task<absl::Status> ReplaceWhole(std::string folder) {
  co_await OrReturn(WriteFileAtomically(folder + "/old", "anew"));
  const std::string text = co_await OrReturn(ReadFile(folder + "/old"));
  EXPECT_EQ(text, "anew");
  co_return absl::OkStatus();
}

// All of the old contents or all of the new, and nothing beside them.
absl::Status CheckReplaced(const absl::Status& ended,
                           const SessionFolder& folder) {
  const std::string found = folder.get().Read("old");
  if (found != "anew" && (ended.ok() || found != kText)) {
    return absl::InternalError(absl::StrCat("the file holds \"", found, "\""));
  }
  return folder.CheckNothingTemporaryIsLeft();
}

TEST(SingleFaultsTest, AFileThatIsReplacedBearsEveryOne) {
  SessionFolder folder;

  const int borne =
      FaultsBorne(InFolder(folder, ReplaceWhole, CheckReplaced, {"unlink"}));

  EXPECT_GE(borne, 90);
}

Task<absl::Status> WriteAndAppend(std::string folder) {
  co_await OrReturn(WriteFile(folder + "/old", "anew "));
  co_await OrReturn(AppendToFile(folder + "/old", "and more"));
  co_return absl::OkStatus();
}

// How far it came, from the beginning; or the old contents.
absl::Status CheckWrittenInPlace(const absl::Status& ended,
                                 const SessionFolder& folder) {
  constexpr std::string_view kWhole = "anew and more";
  const std::string found = folder.get().Read("old");
  if (found == kWhole || (!ended.ok() && kWhole.starts_with(found)) ||
      (!ended.ok() && found == kText)) {
    return absl::OkStatus();
  }
  return absl::InternalError(absl::StrCat("the file holds \"", found, "\""));
}

TEST(SingleFaultsTest, AFileThatIsWrittenInPlaceBearsEveryOne) {
  SessionFolder folder;

  const int borne =
      FaultsBorne(InFolder(folder, WriteAndAppend, CheckWrittenInPlace));

  EXPECT_GE(borne, 50);
}

Task<absl::Status> Copy(std::string folder, Overwrite overwrite) {
  CopyOptions options;
  options.overwrite = overwrite;
  options.keep_times = true;
  const std::uint64_t size =
      co_await OrReturn(CopyFile(folder + "/old", folder + "/new", options));
  EXPECT_EQ(size, kText.size());
  co_return absl::OkStatus();
}

// A whole copy, or none.
absl::Status CheckCopied(const absl::Status& ended,
                         const SessionFolder& folder) {
  const bool there = folder.get().Names().contains("new");
  if (!there && !ended.ok()) return absl::OkStatus();
  if (there && folder.get().Read("new") == kText) return absl::OkStatus();
  return absl::InternalError("no copy, or half of one");
}

TEST(SingleFaultsTest, ACopyBearsEveryOne) {
  SessionFolder folder;
  const auto copy = [](std::string in) { return Copy(in, Overwrite::kYes); };
  const auto check = [](const absl::Status& ended, const SessionFolder& in) {
    absl::Status held = CheckCopied(ended, in);
    held.Update(in.CheckNothingTemporaryIsLeft());
    return held;
  };

  const int borne = FaultsBorne(InFolder(folder, copy, check, {"unlink"}));

  EXPECT_GE(borne, 150);
}

// Its temporary name goes when it has its own. One that cannot be removed then
// stays, and that is told: there is a copy all the same.
TEST(SingleFaultsTest, ACopyToAFreeNameBearsEveryOne) {
  SessionFolder folder;
  const auto copy = [](std::string in) { return Copy(in, Overwrite::kNo); };

  const int borne = FaultsBorne(InFolder(folder, copy, CheckCopied));

  EXPECT_GE(borne, 150);
}

Task<absl::Status> CopyPart(std::string folder) {
  File from = co_await OrReturn(File::Open(folder + "/old"));
  File to = co_await OrReturn(File::Open(folder + "/new", kReplace));
  const std::uint64_t copied =
      co_await OrReturn(CopyRange(from, 0, to, 0, kText.size() + 1));
  EXPECT_EQ(copied, kText.size());
  co_return co_await to.Close();
}

TEST(SingleFaultsTest, APartThatIsCopiedBearsEveryOne) {
  SessionFolder folder;

  const int borne = FaultsBorne(InFolder(folder, CopyPart, CheckWritten));

  EXPECT_GE(borne, 150);
}

}  // namespace
}  // namespace weft::fs
