// What a Source is told at the end of a connection, and who is woken by an
// owner that closes, nudges or cancels. readiness_conformance_test.cc has the
// rest.
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/source.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/conformance/bare_connection.h"
#include "weft/tests/net/conformance/stream_test.h"
#include "weft/tests/net/each_network.h"

namespace weft::net {
namespace {

class ReadinessEndTest : public EachNetworkTest {};
INSTANTIATE_TEST_SUITE_P(Each, ReadinessEndTest, Networks(), NetworkName);

// --- How it ends -------------------------------------------------------------

TEST_P(ReadinessEndTest, TheEndIsAHangUpAndReadable) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    auto reader = Spawn(ReceiveReady, std::ref(pair.ours));
    co_await OrReturn(SleepFor(kAWhile));

    pair.theirs.source().Close();
    const std::string end = co_await OrReturn(reader.Join());

    EXPECT_EQ(end, "");
    EXPECT_TRUE(pair.ours.source().hang_up());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessEndTest, DataBeforeTheEndIsStillThere) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    auto waiting = Spawn(UntilReady, std::ref(pair.ours), Direction::kRead);
    pair.ours.Receive();  // Would block.
    pair.theirs.Send("bytes");
    pair.theirs.source().Close();
    co_await OrReturn(waiting.Join());

    const std::string bytes = co_await OrReturn(ReceiveReady(pair.ours));
    const std::string end = co_await OrReturn(ReceiveReady(pair.ours));

    EXPECT_EQ(bytes, "bytes");
    EXPECT_EQ(end, "");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessEndTest, AHalfClosedConnectionIsHungUpAndStillTakesData) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    auto reader = Spawn(ReceiveReady, std::ref(pair.ours));
    co_await OrReturn(SleepFor(kAWhile));

    pair.theirs.Shutdown(SHUT_WR);
    const std::string end = co_await OrReturn(reader.Join());
    pair.ours.Send("answer");
    const std::string answer = co_await OrReturn(ReceiveReady(pair.theirs));

    EXPECT_EQ(end, "");
    EXPECT_TRUE(pair.ours.source().hang_up());
    EXPECT_EQ(answer, "answer");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessEndTest, AResetIsAHangUpAndReadsAsOne) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    auto reader = Spawn(ReceiveReady, std::ref(pair.ours));
    co_await OrReturn(SleepFor(kAWhile));

    pair.theirs.Reset();
    const absl::StatusOr<std::string> reset = co_await reader.Join();

    EXPECT_EQ(reactor::ErrnoOf(reset.status()), ECONNRESET) << reset.status();
    EXPECT_TRUE(pair.ours.source().hang_up());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessEndTest, AResetWakesAWriterToo) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    const std::string chunk(10'000, 'x');
    while (pair.ours.Send(chunk) > 0) continue;
    auto writer = Spawn(UntilReady, std::ref(pair.ours), Direction::kWrite);
    co_await OrReturn(SleepFor(kAWhile));

    pair.theirs.Reset();
    co_await OrReturn(writer.Join());

    EXPECT_LT(pair.ours.Send("too late"), 0);
    EXPECT_NE(pair.ours.error, EAGAIN);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessEndTest, AHangUpIsRemembered) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    auto reader = Spawn(ReceiveReady, std::ref(pair.ours));
    co_await OrReturn(SleepFor(kAWhile));
    pair.theirs.source().Close();
    co_await OrReturn(reader.Join());

    for (int time = 0; time < 3; ++time) {
      EXPECT_EQ(pair.ours.Receive(), "");
      EXPECT_TRUE(pair.ours.source().hang_up());
      EXPECT_TRUE(pair.ours.source().reads_try_first());
    }
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessEndTest, AHangUpThatWasSeenWakesNobodyAgain) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    auto reader = Spawn(ReceiveReady, std::ref(pair.ours));
    co_await OrReturn(SleepFor(kAWhile));
    pair.theirs.Shutdown(SHUT_WR);
    co_await OrReturn(reader.Join());
    co_await OrReturn(SleepFor(kAWhile));

    pair.ours.source().TakeReady(Direction::kRead);
    const absl::Status waited = co_await WithTimeout(
        absl::Minutes(1), UntilReady(pair.ours, Direction::kRead));

    EXPECT_TRUE(absl::IsDeadlineExceeded(waited)) << waited;
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessEndTest, ItsOwnEndOfReadingIsAnEnd) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    auto reader = Spawn(ReceiveReady, std::ref(pair.ours));
    co_await OrReturn(SleepFor(kAWhile));

    pair.ours.Shutdown(SHUT_RD);
    const std::string end = co_await OrReturn(reader.Join());

    EXPECT_EQ(end, "");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessEndTest, ItsOwnEndOfWritingIsABrokenPipe) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    pair.ours.Shutdown(SHUT_WR);

    EXPECT_LT(pair.ours.Send("more"), 0);
    EXPECT_EQ(pair.ours.error, EPIPE);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Closing, nudging, cancelling --------------------------------------------

TEST_P(ReadinessEndTest, ClosingWakesBothWhoWait) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    const std::string chunk(10'000, 'x');
    while (pair.ours.Send(chunk) > 0) continue;
    auto reader = Spawn(UntilReady, std::ref(pair.ours), Direction::kRead);
    auto writer = Spawn(UntilReady, std::ref(pair.ours), Direction::kWrite);
    pair.ours.source().TakeReady(Direction::kRead);
    co_await OrReturn(SleepFor(kAWhile));
    const bool both_wait = !reader.finished() && !writer.finished();

    pair.ours.source().Close();
    const absl::Status read = co_await reader.Join();
    const absl::Status written = co_await writer.Join();

    EXPECT_TRUE(both_wait);
    EXPECT_TRUE(absl::IsFailedPrecondition(read)) << read;
    EXPECT_TRUE(absl::IsFailedPrecondition(written)) << written;
    EXPECT_FALSE(pair.ours.source().Pin());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessEndTest, ClosingAListenerWakesWhoAccepts) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BareSocket listener = co_await OrReturn(ListenBare());
    auto accepting = Spawn(AcceptReady, std::ref(listener));
    co_await OrReturn(SleepFor(kAWhile));

    listener.source().Close();
    const absl::StatusOr<BareSocket> closed = co_await accepting.Join();

    EXPECT_TRUE(absl::IsFailedPrecondition(closed.status()));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessEndTest, ANudgeWakesForNothing) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    auto waiting = Spawn(UntilReady, std::ref(pair.ours), Direction::kRead);
    pair.ours.source().TakeReady(Direction::kRead);
    co_await OrReturn(SleepFor(kAWhile));
    const bool waited = !waiting.finished();

    pair.ours.source().Nudge(Direction::kRead);
    co_await OrReturn(waiting.Join());

    EXPECT_TRUE(waited);
    EXPECT_EQ(pair.ours.Receive(), std::nullopt);
    EXPECT_EQ(pair.ours.error, EAGAIN);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessEndTest, AnEdgeOutlivesTheWaitThatWasCancelledOverIt) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    BarePair pair = co_await OrReturn(ConnectBare());
    auto reader = Spawn(ReceiveReady, std::ref(pair.ours));
    co_await OrReturn(SleepFor(kAWhile));

    pair.theirs.Send("kept");
    reader.Cancel();
    const absl::StatusOr<std::string> cancelled = co_await reader.Join();
    const std::string text = co_await OrReturn(ReceiveReady(pair.ours));

    EXPECT_TRUE(absl::IsCancelled(cancelled.status()));
    EXPECT_EQ(text, "kept");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_P(ReadinessEndTest, TheNextSocketInheritsNoReadiness) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    {
      BarePair gone = co_await OrReturn(ConnectBare());
      auto waiting = Spawn(UntilReady, std::ref(gone.ours), Direction::kRead);
      co_await OrReturn(waiting.Join());
      gone.theirs.Send("for the first owner");
    }
    BarePair pair = co_await OrReturn(ConnectBare());

    pair.ours.source().TakeReady(Direction::kRead);
    const absl::Status waited = co_await WithTimeout(
        absl::Minutes(1), UntilReady(pair.ours, Direction::kRead));

    EXPECT_TRUE(absl::IsDeadlineExceeded(waited)) << waited;
    EXPECT_FALSE(pair.ours.source().hang_up());
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
