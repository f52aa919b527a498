// What a process of libuv can be asked to do.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_PEERS_LIBUV_PROCESSES_WORK_H_
#define WEFT_BENCH_PEERS_LIBUV_PROCESSES_WORK_H_

#include <cstdint>

namespace weft::bench {

// Serves until it is killed. A client that is silent for so long is let go; 0:
// for any time.
void ServeEcho(std::uint64_t timeout_ms);

// Do so many operations for each number of the input.
void ReadFile(const char* path, int concurrency);
void WriteFiles(const char* folder, int concurrency);

}  // namespace weft::bench

#endif  // WEFT_BENCH_PEERS_LIBUV_PROCESSES_WORK_H_
