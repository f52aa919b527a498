// What programs in C++ have in common that are asked as processes: what
// bench/net/servers.py and bench/fs/files.py expect of each.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_PEERS_PROCESSES_H_
#define WEFT_BENCH_PEERS_PROCESSES_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace weft::bench {

inline constexpr std::size_t kEchoBuffer = 20 * 1024;
inline constexpr int kBacklog = 4096;

inline constexpr std::size_t kBlock = 4096;
inline constexpr std::uint64_t kReadBlocks = 1 << 18;
inline constexpr std::uint64_t kWriteBlocks = 1 << 8;

inline std::int64_t PlaceToRead(std::uint64_t number) {
  constexpr std::uint64_t kPrime = 2'654'435'761;
  return static_cast<std::int64_t>(number * kPrime % kReadBlocks * kBlock);
}

inline std::int64_t PlaceToWrite(std::uint64_t number) {
  return static_cast<std::int64_t>(number % kWriteBlocks * kBlock);
}

inline void Must(bool is_so, const char* or_else) {
  if (is_so) return;
  std::fprintf(stderr, "%s\n", or_else);
  std::abort();
}

inline void Tell(const char* line) {
  std::puts(line);
  std::fflush(stdout);
}

inline void TellPort(int port) {
  std::printf("%d\n", port);
  std::fflush(stdout);
}

}  // namespace weft::bench

#endif  // WEFT_BENCH_PEERS_PROCESSES_H_
