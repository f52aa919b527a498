// StreamTest: what the conformance suites of streams have in common, and how to
// read them.
//
//     suite                             what every stream of a kind keeps
//     reading_conformance.h             Read, ReadExactly
//     writing_conformance.h             Write, WriteVectored, WriteAll
//     ending_conformance.h              ends, closes, peers that are gone
//     cancelling_conformance.h          one operation that is cancelled
//     trying_conformance.h              TryRead, TryWrite
//     interrupting_conformance.h        a session, cancelled or closed anywhere
//     socket_conformance.h, halves_..   what stream sockets have besides
//
// A suite is written once, as typed tests over a kind (stream_kinds.h). A
// test's body is a task that is given a connected pair:
//
//     TYPED_TEST_P(StreamReadTest, ReadsWhatIsThere) {
//       auto body = [](PairOf<TypeParam>& pair) -> Task<absl::Status> { ... };
//       EXPECT_EQ(this->Run(body), absl::OkStatus());
//     }
//
// Rejected: one class with virtual functions around every kind of stream, for
// value-parameterised tests. What is tested would be the wrapper's awaiters.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_STREAM_TEST_H_
#define WEFT_TESTS_NET_CONFORMANCE_STREAM_TEST_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {

template <typename Kind, typename Body>
Task<absl::Status> RunWithPair(Kind& kind, Body& body) {
  PairOf<Kind> pair = co_await OrReturn(kind.Connect());
  co_return co_await body(pair);
}

template <typename Kind>
class StreamTest : public ::testing::Test {
 protected:
  // Runs a test's body as a task of a simulation.
  template <typename Body>
  absl::Status Run(Body body) {
    weft::testing::Simulator sim({.system = &kind_.system()});
    return sim.Run(RunWithPair(kind_, body));
  }

  Kind kind_;
};

// --- Words of the suites ----------------------------------------------------

// Time passes when everybody waits: after that long, all others do.
inline constexpr absl::Duration kAWhile = absl::Seconds(1);

// Writes the pattern for ever, and counts what has been taken of it.
template <ByteStream S>
Task<absl::Status> FillUp(S& stream, std::size_t& taken) {
  const std::vector<std::byte> bytes = Pattern(4 << 20);
  while (taken < bytes.size()) {
    const auto rest = std::span(bytes).subspan(taken);
    taken += co_await OrReturn(
        stream.Write(rest.first(std::min<std::size_t>(rest.size(), 10'000))));
  }
  co_return absl::InternalError("no buffer is as large as that");
}

// Writes all, and says that this was all.
template <typename Kind>
Task<absl::Status> WriteAllThenEnd(typename Kind::Stream& stream,
                                   std::span<const std::byte> bytes) {
  co_await OrReturn(WriteAll(stream, bytes));
  co_return co_await Kind::End(stream);
}

// Whether `bytes` are the pattern as far as they go.
inline bool IsPattern(std::span<const std::byte> bytes) {
  return std::ranges::equal(bytes, Pattern(bytes.size()));
}

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_STREAM_TEST_H_
