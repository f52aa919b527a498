// Streams that are closed under their readers and writers, and whose numbers
// other threads are given at that very moment.
//
//     stream 7   --- "7777..." --->      every byte that a stream carries, in
//                <--- "7777..." ---      either direction, is of its number
//
// A read or a write that began on one stream and is made on the descriptor that
// has taken its number over carries bytes from one conversation to another, and
// an event that is delivered to the wrong one ends it. Under the sanitizers
// this is also the test of who may touch what while a stream goes.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/net/stream_socket.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/soak.h"

namespace weft::net {
namespace {

using ::weft::testing::OpenDescriptors;

constexpr int kWorkers = 4;
constexpr int kAtATime = 32;

// What may befall a stream that is closed under its users: that it is closed,
// on this side or the other. FAILED_PRECONDITION with an errno is no close of
// ours, but a call on a number that was nobody's.
absl::Status UnlessClosed(const absl::Status& status) {
  const bool by_owner = absl::IsFailedPrecondition(status) &&
                        !reactor::ErrnoOf(status).has_value();
  if (by_owner || absl::IsUnavailable(status)) return absl::OkStatus();
  return status;
}

// Numbers repeat after 251 streams, of which a few dozen live at a time.
std::byte MarkOf(std::int64_t number) {
  return static_cast<std::byte>(number % 251 + 1);
}

Task<absl::Status> WriteMarks(StreamSocket& stream, std::byte mark) {
  constexpr int kTimes = 4;
  std::array<std::byte, 100> marks;
  marks.fill(mark);
  for (int i = 0; i < kTimes; ++i) {
    const absl::Status written = co_await stream.WriteAll(marks);
    if (!written.ok()) co_return UnlessClosed(written);
    co_await Yield();
  }
  co_return absl::OkStatus();
}

// Until the end, or until it is closed.
Task<absl::Status> ReadMarks(StreamSocket& stream, std::byte mark) {
  std::array<std::byte, 300> buffer;
  for (;;) {
    const absl::StatusOr<std::size_t> got = co_await stream.Read(buffer);
    if (!got.ok()) co_return UnlessClosed(got.status());
    if (*got == 0) co_return absl::OkStatus();
    const auto read = std::span(buffer).first(*got);
    const auto foreign = std::ranges::find_if(
        read, [mark](std::byte each) { return each != mark; });
    if (foreign == read.end()) continue;
    co_return absl::DataLossError(
        absl::StrCat("the stream of ", int(mark), " has read ", int(*foreign)));
  }
}

Task<absl::Status> CloseSoon(StreamSocket& stream, std::int64_t number) {
  for (std::int64_t turn = 0; turn < number % 6; ++turn) co_await Yield();
  stream.Close();
  co_return absl::OkStatus();
}

// What all lives share.
struct Lives {
  const std::int64_t total;
  std::atomic<std::int64_t> begun = 0;
  std::atomic<int> highest_number = 0;

  void Note(int number) {
    int seen = highest_number;
    while (seen < number &&
           !highest_number.compare_exchange_weak(seen, number)) {
    }
  }
};

// One stream, both of whose ends are used in both directions when one of them
// is closed.
template <typename Stream>
Task<absl::Status> LiveOnce(Lives& lives, std::int64_t number,
                            std::pair<Stream, Stream> ends) {
  auto& [ours, theirs] = ends;
  lives.Note(theirs.source().fd());
  if (ours.source().hang_up() || theirs.source().hang_up()) {
    co_return absl::InternalError("a fresh stream has heard of another's end");
  }
  const std::byte mark = MarkOf(number);
  std::vector<Task<absl::Status>> users;
  users.push_back(ReadMarks(ours, mark));
  users.push_back(ReadMarks(theirs, mark));
  users.push_back(WriteMarks(ours, mark));
  users.push_back(WriteMarks(theirs, mark));
  users.push_back(CloseSoon(number / 6 % 2 == 0 ? ours : theirs, number));
  const std::vector<absl::Status> ended = co_await WhenAll(std::move(users));
  for (const absl::Status& each : ended) co_await OrReturn(each);
  co_return absl::OkStatus();
}

// Both ends get their numbers in one call.
Task<absl::Status> LiveOnPairs(Lives& lives) {
  for (;;) {
    const std::int64_t number = lives.begun.fetch_add(1);
    if (number >= lives.total) co_return absl::OkStatus();
    auto ends = co_await OrReturn(UnixStream::Pair());
    co_await OrReturn(LiveOnce(lives, number, std::move(ends)));
  }
}

// One gets its number before it is connected, and the other from an accept.
Task<absl::Status> LiveOnConnections(Lives& lives) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  for (;;) {
    const std::int64_t number = lives.begun.fetch_add(1);
    if (number >= lives.total) co_return absl::OkStatus();
    TcpStream ours =
        co_await OrReturn(TcpStream::Connect(listener.local_address()));
    TcpStream theirs = co_await OrReturn(listener.Accept());
    std::pair ends(std::move(ours), std::move(theirs));
    co_await OrReturn(LiveOnce(lives, number, std::move(ends)));
  }
}

void LiveAgainAndAgain(std::int64_t times, Task<absl::Status> (*live)(Lives&)) {
  const int before = OpenDescriptors();
  Lives lives{.total = times};
  {
    Runtime runtime({.workers = kWorkers});
    std::vector<JoinHandle<absl::Status>> tasks;
    for (int i = 0; i < kAtATime; ++i) {
      tasks.push_back(runtime.Spawn(live, std::ref(lives)));
    }

    for (auto& task : tasks) EXPECT_EQ(task.BlockingJoin(), absl::OkStatus());
  }
  // The numbers were the same few all the time.
  EXPECT_LT(lives.highest_number, before + 3 * kAtATime + 100);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(NetDescriptorReuseTest, NoByteAndNoEndReachesWhoeverHasTheNumberNext) {
  LiveAgainAndAgain(tests::Times(500'000), LiveOnPairs);
}

TEST(NetDescriptorReuseTest, NorWhoeverHasItByAnAccept) {
  LiveAgainAndAgain(tests::Times(50'000), LiveOnConnections);
}

}  // namespace
}  // namespace weft::net
