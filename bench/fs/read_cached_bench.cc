// What does it cost to read 4 KiB that are in the page cache?
//
// One task, or one thread, reads at offsets spread over a file of 16 MiB. The
// floor is the system call: preadv2 in a loop, on the benchmark's own thread.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/fs/file.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"

namespace weft::bench {
namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::uint64_t kBlocks = 4096;
constexpr std::int64_t kReads = 20'000;

// A file that was just written, and so is in the cache; gone with this object.
class CachedFile {
 public:
  CachedFile() {
    const char* const folder = std::getenv("TMPDIR");
    path_ = std::string(folder != nullptr ? folder : "/tmp") + "/weft-XXXXXX";
    descriptor_ = ::mkstemp(path_.data());
    ABSL_RAW_CHECK(descriptor_ >= 0, "no temporary file");
    const std::vector<std::byte> block(kBlock);
    for (std::uint64_t i = 0; i < kBlocks; ++i) {
      ABSL_RAW_CHECK(::write(descriptor_, block.data(), kBlock) ==
                         static_cast<ssize_t>(kBlock),
                     "no room for a temporary file");
    }
  }
  CachedFile(const CachedFile&) = delete;
  CachedFile& operator=(const CachedFile&) = delete;
  ~CachedFile() {
    ::unlink(path_.c_str());
    ::close(descriptor_);
  }

  const std::string& path() const noexcept { return path_; }
  int descriptor() const noexcept { return descriptor_; }

 private:
  std::string path_;
  int descriptor_ = -1;
};

std::uint64_t Offset(std::int64_t number) {
  constexpr std::uint64_t kPrime = 2'654'435'761;
  return static_cast<std::uint64_t>(number) * kPrime % kBlocks * kBlock;
}

Task<absl::Status> ReadOften(const std::string& path) {
  fs::File file = co_await OrReturn(fs::File::Open(path));
  std::array<std::byte, kBlock> block;
  for (std::int64_t i = 0; i < kReads; ++i) {
    const std::size_t size = co_await OrReturn(file.ReadAt(block, Offset(i)));
    ABSL_RAW_CHECK(size == kBlock, "a short read");
  }
  co_return co_await file.Close();
}

void WeftRead(benchmark::State& state) {
  const CachedFile cached;
  Runtime runtime({.workers = 1});
  while (state.KeepRunningBatch(kReads)) {
    MustBeOk(runtime.BlockOn(ReadOften(cached.path())));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(WeftRead)
    ->Name("fs/read_cached/weft")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void FloorRead(benchmark::State& state) {
  const CachedFile cached;
  std::array<std::byte, kBlock> block;
  const iovec whole = {.iov_base = block.data(), .iov_len = kBlock};
  while (state.KeepRunningBatch(kReads)) {
    for (std::int64_t i = 0; i < kReads; ++i) {
      const ssize_t size = ::preadv2(cached.descriptor(), &whole, 1,
                                     static_cast<off_t>(Offset(i)), RWF_NOWAIT);
      ABSL_RAW_CHECK(size == static_cast<ssize_t>(kBlock), "a short read");
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(FloorRead)
    ->Name("fs/read_cached/floor")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
