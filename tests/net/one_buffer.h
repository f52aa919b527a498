// OneBuffer: whether a task that waits holds a leased buffer, for tests.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_ONE_BUFFER_H_
#define WEFT_TESTS_NET_ONE_BUFFER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/buffered_reader.h"
#include "weft/net/leased_read.h"
#include "weft/runtime/buffer_lease.h"
#include "weft/runtime/current.h"
#include "weft/runtime/internal/buffer_shelf.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {

// Sees to it that one buffer is free, and tells whether it is leased.
class OneBuffer {
 public:
  OneBuffer() {
    internal::ReleaseBufferShelf();
    BufferLease::Take().Return();
  }
  bool is_leased() const { return internal::Here().buffers.count == 0; }
};

template <typename S>
Task<absl::StatusOr<std::string>> ReadOnce(S& stream) {
  const LeasedBytes got = co_await OrReturn(ReadSome(stream));
  co_return Text(got.bytes());
}

// A line, and then the wait for the next one.
template <typename S>
Task<absl::Status> ReadLines(S& stream, std::vector<std::string>& got) {
  BufferedReader reader(stream);
  for (;;) {
    const std::string_view line = co_await OrReturn(reader.ReadLine());
    got.emplace_back(line);
  }
}

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_ONE_BUFFER_H_
