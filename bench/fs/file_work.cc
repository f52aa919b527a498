// file_work: weft in the rows fs/*, as a user would write it.
//
//     file_work read FILE CONCURRENCY       FILE: a GiB
//     file_work write FOLDER CONCURRENCY    FOLDER: files 0, 1, ... of a MiB
//
// Prints "ready"; then, for each number on a line of the input, does so many
// operations and prints "done". What they are says floor/file_floor.c. There
// are as many workers as processors, and a task for each that reads or writes.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/fs/file.h"
#include "weft/fs/open_options.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"

namespace weft::bench {
namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::uint64_t kReadBlocks = 1 << 18;
constexpr std::uint64_t kWriteBlocks = 1 << 8;

std::uint64_t PlaceToRead(std::int64_t number) {
  constexpr std::uint64_t kPrime = 2'654'435'761;
  return static_cast<std::uint64_t>(number) * kPrime % kReadBlocks * kBlock;
}

Task<absl::Status> Read(const fs::File& file, std::int64_t first,
                        std::int64_t count) {
  std::array<std::byte, kBlock> block;
  for (std::int64_t i = first; i < first + count; ++i) {
    const std::size_t size =
        co_await OrReturn(file.ReadAt(block, PlaceToRead(i)));
    ABSL_RAW_CHECK(size == kBlock, "a short read");
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Write(const fs::File& file, std::int64_t count) {
  const std::vector<std::byte> block(kBlock, std::byte{'w'});
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint64_t place = static_cast<std::uint64_t>(i) % kWriteBlocks;
    co_await OrReturn(file.WriteAllDurablyAt(block, place * kBlock));
  }
  co_return absl::OkStatus();
}

// What is open, and which of the two is done with it.
struct Work {
  std::vector<fs::File> files;
  bool reads;
  int concurrency;
};

Task<absl::Status> Open(Work& work, std::string path) {
  fs::OpenOptions options;
  options.access = work.reads ? fs::Access::kRead : fs::Access::kWrite;
  for (int i = 0; i < (work.reads ? 1 : work.concurrency); ++i) {
    const std::string each = work.reads ? path : absl::StrCat(path, "/", i);
    fs::File file = co_await OrReturn(fs::File::Open(each, options));
    work.files.push_back(std::move(file));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Do(Work& work, std::int64_t count) {
  const std::int64_t share = count / work.concurrency;
  co_return co_await WithScope([&](Scope& all) -> Task<absl::Status> {
    for (int i = 0; i < work.concurrency; ++i) {
      if (work.reads) {
        all.Spawn(Read, std::cref(work.files[0]), i * share, share);
      } else {
        all.Spawn(Write, std::cref(work.files[i]), share);
      }
    }
    co_return absl::OkStatus();
  });
}

void Tell(const char* what) {
  std::puts(what);
  std::fflush(stdout);
}

int Main(Work work, std::string path) {
  Runtime runtime;
  MustBeOk(runtime.BlockOn(Open(work, std::move(path))));
  Tell("ready");
  for (std::int64_t count; std::cin >> count;) {
    MustBeOk(runtime.BlockOn(Do(work, count)));
    Tell("done");
  }
  return 0;
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  const std::string_view what = argc == 4 ? argv[1] : "";
  if (what != "read" && what != "write") {
    std::fputs(
        "usage: file_work read FILE CONCURRENCY\n"
        "       file_work write FOLDER CONCURRENCY\n",
        stderr);
    return 2;
  }
  return weft::bench::Main(
      {.files = {}, .reads = what == "read", .concurrency = std::atoi(argv[3])},
      argv[2]);
}
