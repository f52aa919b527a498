// Tests that what is read again and again allocates nothing once it has begun,
// and that what removes a tree holds nothing where there is no memory for it.
// A program of its own, since it replaces the global operator new
// (allocations.h).
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/fs/file.h"
#include "weft/fs/lines.h"
#include "weft/fs/remove_all.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/allocations.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using tests::Allocations;
using tests::FailingAllocation;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

// From the second line on: by then the buffer is there.
Task<absl::Status> CountLines(std::string path, int& lines, long& counted) {
  File file = co_await OrReturn(File::Open(path));
  const LinesOptions small = {.buffer_size = 4096};
  AsyncGenerator<absl::StatusOr<std::string_view>> all = ReadLines(file, small);
  long before = 0;
  while (std::optional<absl::StatusOr<std::string_view>> line =
             co_await all.Next()) {
    const std::string_view text = co_await OrReturn(*std::move(line));
    if (++lines == 1) before = Allocations();
    EXPECT_FALSE(text.empty());
  }
  counted = Allocations() - before;
  co_return absl::OkStatus();
}

TEST(AllocationTest, IsNotNeededForALine) {
  TemporaryDirectory directory;
  std::string text;
  for (int i = 0; i < 10'000; ++i) absl::StrAppend(&text, "line ", i, "\n");
  directory.Write("file", text);
  int lines = 0;
  long counted = -1;
  Simulator sim;

  EXPECT_EQ(sim.Run(CountLines(directory / "file", lines, counted)),
            absl::OkStatus());

  EXPECT_EQ(lines, 10'000);
  EXPECT_EQ(counted, 0);
}

// Whether there was an n-th allocation.
Task<absl::StatusOr<bool>> RemoveOnce(std::string path, int n) {
  try {
    const FailingAllocation failing(n, FailingAllocation::Behind::kSucceed);
    const absl::StatusOr<std::uint64_t> removed = co_await RemoveAll(path);
    if (!removed.ok()) co_return removed.status();
    co_return failing.happened();
  } catch (const std::bad_alloc&) {
    co_return true;
  }
}

TEST(AllocationTest, WhereverRemovingATreeFailsNoDescriptorIsLeft) {
  const int before = OpenDescriptors();
  bool happened = true;
  for (int n = 1; happened; ++n) {
    TemporaryDirectory directory;
    std::filesystem::create_directories(directory / "a/b/c/d/e");
    Simulator sim;
    const absl::StatusOr<bool> removed =
        sim.Run(RemoveOnce(directory / "a", n));
    ASSERT_EQ(removed.status(), absl::OkStatus()) << n;
    happened = *removed;
  }

  EXPECT_EQ(OpenDescriptors(), before);
}

Task<absl::Status> CountReads(std::string path, long& counted) {
  File file = co_await OrReturn(File::Open(path));
  std::array<std::byte, 64> one;
  std::array<std::byte, 64> other;
  const std::array<std::span<std::byte>, 2> parts = {std::span(one),
                                                     std::span(other)};
  long before = 0;
  for (int i = 0; i < 100; ++i) {
    if (i == 10) before = Allocations();
    std::size_t got = co_await OrReturn(file.ReadAt(one, 0));
    EXPECT_EQ(got, one.size());
    got = co_await OrReturn(file.ReadVectoredAt(parts, 10));
    EXPECT_EQ(got, 128U);
  }
  counted = Allocations() - before;
  co_return absl::OkStatus();
}

TEST(AllocationTest, IsNotNeededForARead) {
  TemporaryDirectory directory;
  directory.Write("file", std::string(1000, 'x'));
  long counted = -1;
  Simulator sim;

  EXPECT_EQ(sim.Run(CountReads(directory / "file", counted)), absl::OkStatus());

  EXPECT_EQ(counted, 0);
}

}  // namespace
}  // namespace weft::fs
