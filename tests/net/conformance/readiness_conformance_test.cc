// The reactor's contract seen from above: what a Source is told of sockets,
// over the kernel, by whichever poller is built, and over a simulated network,
// by Source::Deliver. Here: what there is to read, and room to write.
//
//     readiness_conformance_test.cc           data and room
//     readiness_begin_conformance_test.cc     connecting, and datagrams
//     readiness_end_conformance_test.cc       ends, closes, cancellations
//
// What epoll and kqueue report is in tests/reactor, in poller_test.cc and its
// siblings; what streams make of it, in the suites here.
//
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/source.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/ready_awaiter.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/conformance/bare_connection.h"
#include "weft/tests/net/conformance/stream_test.h"
#include "weft/tests/net/each_network.h"

namespace weft::net {
namespace {

class ReadinessTest : public EachNetworkTest {};
INSTANTIATE_TEST_SUITE_P(Each, ReadinessTest, Networks(), NetworkName);

// --- What is there to read ---------------------------------------------------

TEST_P(ReadinessTest, IsReadyBothWaysAtFirst) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());

    EXPECT_TRUE(pair.theirs.source().IsReady(Direction::kRead));
    EXPECT_TRUE(pair.theirs.source().IsReady(Direction::kWrite));
    EXPECT_FALSE(pair.theirs.source().hang_up());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessTest, IsIdleWhereACallWouldBlock) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());

    const std::optional<std::string> nothing = pair.ours.Receive();

    EXPECT_EQ(nothing, std::nullopt);
    EXPECT_EQ(pair.ours.error, EAGAIN);
    EXPECT_FALSE(pair.ours.source().IsReady(Direction::kRead));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessTest, WakesAReaderWhenDataComes) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    auto reader = Spawn(ReceiveReady, std::ref(pair.ours));
    co_await OrReturn(SleepFor(kAWhile));
    const bool waited = !reader.finished();

    pair.theirs.Send("data");
    const std::string text = co_await OrReturn(reader.Join());

    EXPECT_TRUE(waited);
    EXPECT_EQ(text, "data");
    EXPECT_FALSE(pair.ours.source().hang_up());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessTest, TellsOfDataThatCameBeforeTheFirstWait) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    pair.ours.Receive();  // Would block: it is idle, and watched by nobody.
    pair.theirs.Send("early");
    co_await OrReturn(SleepFor(kAWhile));

    const std::string text = co_await OrReturn(ReceiveReady(pair.ours));

    EXPECT_EQ(text, "early");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessTest, TellsOfDataThatComesBetweenACallAndItsWait) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    pair.theirs.Send("first");
    const std::string first = co_await OrReturn(ReceiveReady(pair.ours));

    pair.ours.Receive();  // Would block.
    pair.theirs.Send("second");
    co_await OrReturn(WaitReady(pair.ours.source(), Direction::kRead));
    const std::string second = co_await OrReturn(ReceiveReady(pair.ours));

    EXPECT_EQ(first, "first");
    EXPECT_EQ(second, "second");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessTest, TellsOfDataBesideUnreadData) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    auto reader = Spawn(UntilReady, std::ref(pair.ours), Direction::kRead);
    pair.ours.source().TakeReady(Direction::kRead);
    pair.theirs.Send("old");
    co_await OrReturn(reader.Join());
    co_await OrReturn(SleepFor(kAWhile));

    pair.ours.source().TakeReady(Direction::kRead);
    pair.theirs.Send("new");
    co_await OrReturn(WaitReady(pair.ours.source(), Direction::kRead));
    const std::string both = co_await OrReturn(ReceiveReady(pair.ours));

    EXPECT_EQ(both, "oldnew");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessTest, GivesInPiecesWhatWasAnnouncedOnce) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    auto reader = Spawn(UntilReady, std::ref(pair.ours), Direction::kRead);
    pair.theirs.Send("three parts");
    co_await OrReturn(reader.Join());
    co_await OrReturn(SleepFor(kAWhile));

    std::string all;
    while (std::optional<std::string> part = pair.ours.Receive(4)) all += *part;

    EXPECT_EQ(all, "three parts");
    EXPECT_EQ(pair.ours.error, EAGAIN);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessTest, WakesEachReaderForItsOwnSocket) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair one = co_await OrReturn(ConnectBare());
    BarePair other = co_await OrReturn(ConnectBare());
    auto first = Spawn(ReceiveReady, std::ref(one.ours));
    auto second = Spawn(ReceiveReady, std::ref(other.ours));
    co_await OrReturn(SleepFor(kAWhile));

    other.theirs.Send("other");
    const std::string others = co_await OrReturn(second.Join());
    co_await OrReturn(SleepFor(kAWhile));
    const bool undisturbed = !first.finished();
    one.theirs.Send("one");
    const std::string ones = co_await OrReturn(first.Join());

    EXPECT_EQ(others, "other");
    EXPECT_TRUE(undisturbed);
    EXPECT_EQ(ones, "one");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Room to write -----------------------------------------------------------

TEST_P(ReadinessTest, IsIdleWhereABufferIsFull) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    const std::string chunk(10'000, 'x');
    while (pair.ours.Send(chunk) > 0) continue;

    EXPECT_EQ(pair.ours.error, EAGAIN);
    EXPECT_FALSE(pair.ours.source().IsReady(Direction::kWrite));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// What is under way when the reader looks may come later: so it looks again.
TEST_P(ReadinessTest, WakesAWriterWhenThereIsRoomAgain) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    const std::string chunk(10'000, 'x');
    while (pair.ours.Send(chunk) > 0) continue;
    auto writer = Spawn(UntilReady, std::ref(pair.ours), Direction::kWrite);
    co_await OrReturn(SleepFor(kAWhile));

    while (!writer.finished()) {
      co_await OrReturn(ReceiveReady(pair.theirs));
      while (pair.theirs.Receive(100'000)) continue;
      co_await OrReturn(SleepFor(absl::Milliseconds(1)));
    }
    co_await OrReturn(writer.Join());

    EXPECT_GT(pair.ours.Send("more"), 0);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessTest, TellsAReaderNothingOfRoomToWrite) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    const std::string chunk(10'000, 'x');
    while (pair.ours.Send(chunk) > 0) continue;
    auto reader = Spawn(ReceiveReady, std::ref(pair.ours));
    auto writer = Spawn(UntilReady, std::ref(pair.ours), Direction::kWrite);
    co_await OrReturn(SleepFor(kAWhile));
    const bool both_wait = !reader.finished() && !writer.finished();

    pair.theirs.Send("for the reader");
    const std::string text = co_await OrReturn(reader.Join());

    EXPECT_TRUE(both_wait);
    EXPECT_EQ(text, "for the reader");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
