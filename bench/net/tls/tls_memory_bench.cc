// How much memory does a TLS connection take that is idle?
//
//     tls_idle_bytes   one end of a connection whose handshake is done. The
//                      server's holds the less: it was shown no certificate
//
// The counter `bytes` is what glibc's malloc has handed out, its own headers
// included, divided by the number of ends; half of these are clients'. What
// carries the cipher text is not counted. `reading` is the same while a task
// waits to read from each server. `floor` is OpenSSL's own part of it: the same
// connections, made by a loop, and their memory BIOs taken away.
//
// SPDX-License-Identifier: MIT

#include <malloc.h>
#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "weft/bench/net/tls/bare_pair.h"
#include "weft/bench/net/tls/tls_contexts.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/net/memory_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"

namespace weft::bench {
namespace {

constexpr std::int64_t kMany = 1000;
constexpr std::size_t kCapacity = 4096;

double BytesInUse() {
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

struct Measured {
  double idle = 0;
  double reading = 0;
};

// Reads, and gives back what came; a task that is idle holds no buffer of its
// own that is worth counting.
Task<absl::Status> ReadAByte(MemoryTls& stream) {
  std::array<std::byte, 1> byte;
  co_await OrReturn(stream.Read(byte));
  co_return absl::OkStatus();
}

// One worker: when the last has begun and others run again, it waits.
Task<absl::Status> Wait(MemoryTls& stream, std::int64_t& begun) {
  ++begun;
  co_return co_await ReadAByte(stream);
}

Task<absl::Status> Connect(const TlsContexts& contexts, Measured& measured) {
  // The first also makes what malloc keeps for this thread.
  auto first = net::MakeMemoryPipe(kCapacity);
  const double none = BytesInUse();
  auto pipe = net::MakeMemoryPipe(kCapacity);
  const double pipes = BytesInUse() - none;
  std::vector<MemoryTlsPair> pairs;
  pairs.reserve(kMany);
  std::vector<JoinHandle<absl::Status>> readers;
  readers.reserve(kMany);
  std::int64_t begun = 0;
  const double before = BytesInUse();
  for (std::int64_t i = 0; i < kMany; ++i) {
    auto pair = co_await OrReturn(ConnectInMemory(contexts, kCapacity));
    pairs.push_back(std::move(pair));
    // Takes the tickets in.
    co_await OrReturn(pairs.back().server.WriteAll(std::array<std::byte, 1>()));
    co_await OrReturn(ReadAByte(pairs.back().client));
  }
  measured.idle = (BytesInUse() - before) / kMany - pipes;
  for (MemoryTlsPair& pair : pairs) {
    readers.push_back(Spawn(Wait, std::ref(pair.server), std::ref(begun)));
  }
  while (begun < kMany) co_await Yield();
  measured.reading = (BytesInUse() - before) / kMany - pipes - measured.idle;
  for (JoinHandle<absl::Status>& reader : readers) {
    reader.Cancel();
    auto ended = co_await reader.Join();
    ended.IgnoreError();  // Cancelled.
  }
  co_return absl::OkStatus();
}

void IdleBytes(benchmark::State& state) {
  const TlsContexts contexts;
  Runtime runtime({.workers = 1});
  Measured measured;
  while (state.KeepRunningBatch(kMany)) {
    MustBeOk(runtime.BlockOn(Connect(contexts, measured)));
  }
  state.counters["bytes"] = measured.idle / 2;
  state.counters["reading"] = measured.idle / 2 + measured.reading;
}
BENCHMARK(IdleBytes)
    ->Name("net/tls_idle_bytes/weft")
    ->Iterations(kMany)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void FloorIdleBytes(benchmark::State& state) {
  const TlsContexts contexts;
  std::vector<std::unique_ptr<BarePair>> pairs;
  pairs.reserve(kMany);
  const double before = BytesInUse();
  while (state.KeepRunningBatch(kMany)) {
    for (std::int64_t i = 0; i < kMany; ++i) {
      pairs.push_back(std::make_unique<BarePair>(contexts));
      std::array<std::byte, 1> byte = {};
      std::size_t moved = 0;
      SSL_write_ex(pairs.back()->server.get(), byte.data(), 1, &moved);
      SSL_read_ex(pairs.back()->client.get(), byte.data(), 1, &moved);
      ABSL_RAW_CHECK(moved == 1, "the floor's byte did not come");
      SSL_set_bio(pairs.back()->client.get(), nullptr, nullptr);
      SSL_set_bio(pairs.back()->server.get(), nullptr, nullptr);
    }
  }
  state.counters["bytes"] = (BytesInUse() - before) / kMany / 2;
}
BENCHMARK(FloorIdleBytes)
    ->Name("net/tls_idle_bytes/floor")
    ->Iterations(kMany)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
