// What does TLS cost, and what do we add to it?
//
//     tls_handshake     a whole handshake of TLS 1.3, both ends: a P-256 key,
//                       and a certificate that is verified
//     tls_records_16k   a record of 16 KiB, encrypted, carried and decrypted
//
// Both ends are in this thread and what is between them is memory, so no kernel
// has a part in it. `floor` is the same work by OpenSSL, called by a loop that
// moves cipher text between two of its own memory BIOs.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "benchmark/benchmark.h"
#include "weft/bench/net/tls/bare_pair.h"
#include "weft/bench/net/tls/tls_contexts.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/net/memory_stream.h"
#include "weft/net/stream.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"

namespace weft::bench {
namespace {

constexpr std::size_t kRecord = 16384;

void ReportRecords(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(kRecord));
}

// --- weft -------------------------------------------------------------------

Task<absl::Status> ShakeHands(const TlsContexts& contexts, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    co_await OrReturn(ConnectInMemory(contexts, kRecord));
  }
  co_return absl::OkStatus();
}

void WeftHandshake(benchmark::State& state) {
  const TlsContexts contexts;
  Runtime runtime({.workers = 1});
  constexpr std::int64_t kBatch = 100;
  while (state.KeepRunningBatch(kBatch)) {
    MustBeOk(runtime.BlockOn(ShakeHands(contexts, kBatch)));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(WeftHandshake)
    ->Name("net/tls_handshake/weft")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

Task<absl::Status> Send(MemoryTls& stream, std::int64_t count) {
  const std::vector<std::byte> record(kRecord);
  for (std::int64_t i = 0; i < count; ++i) {
    co_await OrReturn(stream.WriteAll(record));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Receive(MemoryTls& stream, std::int64_t count) {
  std::vector<std::byte> record(kRecord);
  for (std::int64_t i = 0; i < count; ++i) {
    co_await OrReturn(net::ReadExactly(stream, record));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Carry(MemoryTlsPair& pair, std::int64_t count) {
  auto both =
      co_await WhenAll(Send(pair.client, count), Receive(pair.server, count));
  co_await OrReturn(std::get<0>(std::move(both)));
  co_return std::get<1>(std::move(both));
}

void WeftRecords(benchmark::State& state) {
  const TlsContexts contexts;
  Runtime runtime({.workers = 1});
  auto pair = runtime.BlockOn(ConnectInMemory(contexts, 4 * kRecord));
  MustBeOk(pair.status());
  constexpr std::int64_t kBatch = 1000;
  while (state.KeepRunningBatch(kBatch)) {
    MustBeOk(runtime.BlockOn(Carry(*pair, kBatch)));
  }
  ReportRecords(state);
}
BENCHMARK(WeftRecords)
    ->Name("net/tls_records_16k/weft")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// --- floor ------------------------------------------------------------------

void FloorHandshake(benchmark::State& state) {
  const TlsContexts contexts;
  for (auto _ : state) {
    BarePair pair(contexts);
    benchmark::DoNotOptimize(pair);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(FloorHandshake)
    ->Name("net/tls_handshake/floor")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void FloorRecords(benchmark::State& state) {
  const TlsContexts contexts;
  BarePair pair(contexts);
  const std::vector<std::byte> out(kRecord);
  std::vector<std::byte> in(kRecord);
  for (auto _ : state) {
    std::size_t written = 0;
    std::size_t got = 0;
    SSL_write_ex(pair.client.get(), out.data(), out.size(), &written);
    SSL_read_ex(pair.server.get(), in.data(), in.size(), &got);
    ABSL_RAW_CHECK(got == kRecord, "the floor's record did not come");
  }
  ReportRecords(state);
}
BENCHMARK(FloorRecords)
    ->Name("net/tls_records_16k/floor")
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace weft::bench
