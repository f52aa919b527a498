// Tests of weft::WaitReady and weft::WhenReady over real pipes and sockets, in
// virtual time.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/ready_awaiter.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/system.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"

namespace weft {
namespace {

using reactor::Direction;
using reactor::Fd;
using reactor::Source;
using reactor::SourceHandle;
using reactor::System;

// Reads what there is, up to some bytes. Notes how often it was tried, and may
// be given something to do each time it finds nothing.
class ReadAttempt {
 public:
  ReadAttempt(Source& source, int& tries, std::function<void()> when_empty)
      : source_(source), tries_(tries), when_empty_(std::move(when_empty)) {}

  std::optional<absl::StatusOr<std::string>> operator()() {
    ++tries_;
    std::array<char, 16> buffer;
    const ssize_t size =
        source_.system().read(source_.fd(), buffer.data(), buffer.size());
    if (size >= 0) return std::string(buffer.data(), size);
    if (errno != EAGAIN) return reactor::ErrnoToStatus(errno, "read");
    if (when_empty_) when_empty_();
    return std::nullopt;
  }

 private:
  Source& source_;
  int& tries_;
  std::function<void()> when_empty_;
};

// Writes a block, as much as there is room for.
class WriteAttempt {
 public:
  explicit WriteAttempt(Source& source) : source_(source) {}

  std::optional<absl::StatusOr<std::size_t>> operator()() {
    constexpr std::size_t kBlock = 4096;
    static constexpr std::array<char, kBlock> kZeros{};
    const ssize_t size =
        source_.system().write(source_.fd(), kZeros.data(), kZeros.size());
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EAGAIN) return reactor::ErrnoToStatus(errno, "write");
    return std::nullopt;
  }

 private:
  Source& source_;
};

Task<SourceHandle> Adopt(Fd fd) {
  co_return CurrentReactor().sources().Adopt(std::move(fd), System::Kernel());
}

class ReadyAwaiterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{-1, -1};
    ASSERT_EQ(System::Kernel().pipe(ends.data()), 0);
    source_ = *sim_.Run(Adopt(Fd(ends[0])));
    peer_ = Fd(ends[1]);
  }

  void Send(std::string_view text) {
    ASSERT_EQ(System::Kernel().write(peer_.get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

  Task<absl::StatusOr<std::string>> Read(
      FirstTry first_try = FirstTry::kAtOnce,
      std::function<void()> when_empty = nullptr) {
    ReadAttempt attempt(*source_, tries_, std::move(when_empty));
    absl::StatusOr<std::string> read = co_await WhenReady(
        *source_, Direction::kRead, first_try, std::move(attempt));
    co_return read;
  }

  Task<absl::Status> WaitToRead() {
    absl::Status ready = co_await WaitReady(*source_, Direction::kRead);
    co_return ready;
  }

  // A reader that has begun and waits.
  JoinHandle<absl::StatusOr<std::string>> StartReader() {
    JoinHandle<absl::StatusOr<std::string>> reader = sim_.SpawnJoinable(Read());
    sim_.RunUntilIdle();
    EXPECT_FALSE(reader.finished());
    return reader;
  }

  testing::Simulator sim_;
  SourceHandle source_;
  Fd peer_;
  int tries_ = 0;
};

// --- WaitReady --------------------------------------------------------------

TEST_F(ReadyAwaiterTest, DoesNotWaitWhereNobodyHasTriedYet) {
  EXPECT_TRUE(sim_.Run(WaitToRead()).ok());
}

TEST_F(ReadyAwaiterTest, WaitsForTheNextEdge) {
  source_->TakeReady(Direction::kRead);
  JoinHandle<absl::Status> waiter = sim_.SpawnJoinable(WaitToRead());
  sim_.RunUntilIdle();
  EXPECT_FALSE(waiter.finished());

  Send("x");
  sim_.RunUntilIdle();

  ASSERT_TRUE(waiter.finished());
  EXPECT_TRUE(waiter.BlockingJoin().ok());
  EXPECT_TRUE(source_->IsReady(Direction::kRead));
}

TEST_F(ReadyAwaiterTest, AWaitThatIsCancelledEndsAtOnce) {
  source_->TakeReady(Direction::kRead);
  JoinHandle<absl::Status> waiter = sim_.SpawnJoinable(WaitToRead());
  sim_.RunUntilIdle();

  waiter.Cancel();
  sim_.RunUntilIdle();

  ASSERT_TRUE(waiter.finished());
  EXPECT_EQ(waiter.BlockingJoin(), CancelledError());
}

TEST_F(ReadyAwaiterTest, AWaitInACancelledScopeDoesNotBeginReadyOrNot) {
  JoinHandle<absl::Status> ready = sim_.SpawnJoinable(WaitToRead());
  ready.Cancel();
  sim_.RunUntilIdle();
  source_->TakeReady(Direction::kRead);
  JoinHandle<absl::Status> not_ready = sim_.SpawnJoinable(WaitToRead());
  not_ready.Cancel();
  sim_.RunUntilIdle();

  ASSERT_TRUE(ready.finished());
  EXPECT_EQ(ready.BlockingJoin(), CancelledError());
  ASSERT_TRUE(not_ready.finished());
  EXPECT_EQ(not_ready.BlockingJoin(), CancelledError());
}

TEST_F(ReadyAwaiterTest, AWaitEndsWhenTheOwnerCloses) {
  source_->TakeReady(Direction::kRead);
  JoinHandle<absl::Status> waiter = sim_.SpawnJoinable(WaitToRead());
  sim_.RunUntilIdle();

  source_->Close();
  sim_.RunUntilIdle();

  ASSERT_TRUE(waiter.finished());
  EXPECT_TRUE(absl::IsFailedPrecondition(waiter.BlockingJoin()));
}

// --- WhenReady: results -----------------------------------------------------

TEST_F(ReadyAwaiterTest, ReadsWhatIsThereWithoutWaiting) {
  Send("here");

  EXPECT_EQ(*sim_.Run(Read()), "here");

  EXPECT_EQ(tries_, 1);
}

TEST_F(ReadyAwaiterTest, ReadsWhatArrivesLater) {
  auto send_later = [&]() -> Task<> {
    static_cast<void>(co_await SleepFor(absl::Seconds(1)));
    Send("later");
  };
  sim_.Spawn(send_later());

  EXPECT_EQ(*sim_.Run(Read()), "later");

  EXPECT_EQ(tries_, 2);
}

TEST_F(ReadyAwaiterTest, ReadsAgainAndAgain) {
  auto read_all = [&]() -> Task<absl::StatusOr<std::string>> {
    std::string all;
    for (;;) {
      std::string some = co_await OrReturn(Read());
      if (some.empty()) co_return all;
      all += some;
    }
  };
  auto send_all = [&]() -> Task<> {
    for (char letter = 'a'; letter <= 'z'; ++letter) {
      Send(std::string(1, letter));
      static_cast<void>(co_await SleepFor(absl::Milliseconds(1)));
    }
    peer_ = Fd();
  };
  sim_.Spawn(send_all());

  EXPECT_EQ(*sim_.Run(read_all()), "abcdefghijklmnopqrstuvwxyz");
}

TEST_F(ReadyAwaiterTest, WakesAReaderForTheEndOfTheStream) {
  JoinHandle<absl::StatusOr<std::string>> reader = StartReader();

  peer_ = Fd();
  sim_.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(*reader.BlockingJoin(), "");
}

TEST_F(ReadyAwaiterTest, SeesTheBytesAndThenTheEndOfAPeerThatSendsAndCloses) {
  JoinHandle<absl::StatusOr<std::string>> reader = StartReader();

  Send("bytes");
  peer_ = Fd();  // One edge for both.
  sim_.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(*reader.BlockingJoin(), "bytes");
  EXPECT_EQ(*sim_.Run(Read(FirstTry::kWhenReady)), "");
}

TEST_F(ReadyAwaiterTest, GivesTheErrorOfTheCallUnchanged) {
  auto fail = []() -> std::optional<absl::Status> {
    return absl::DataLossError("broken");
  };
  auto run = [&]() -> Task<absl::Status> {
    absl::Status status =
        co_await WhenReady(*source_, Direction::kRead, FirstTry::kAtOnce, fail);
    co_return status;
  };

  EXPECT_EQ(sim_.Run(run()), absl::DataLossError("broken"));
}

TEST_F(ReadyAwaiterTest, DoesNotTryADrainedStreamBeforeItIsReady) {
  source_->TakeReady(Direction::kRead);
  JoinHandle<absl::StatusOr<std::string>> reader =
      sim_.SpawnJoinable(Read(FirstTry::kWhenReady));
  sim_.RunUntilIdle();
  EXPECT_EQ(tries_, 0);

  Send("now");
  sim_.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(*reader.BlockingJoin(), "now");
  EXPECT_EQ(tries_, 1);
}

TEST_F(ReadyAwaiterTest, AWakeForNothingCostsATryAndNoMore) {
  JoinHandle<absl::StatusOr<std::string>> reader = StartReader();
  const int before = tries_;

  source_->Nudge(Direction::kRead);
  sim_.RunUntilIdle();
  EXPECT_FALSE(reader.finished());
  EXPECT_EQ(tries_, before + 1);
  Send("after all");
  sim_.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(*reader.BlockingJoin(), "after all");
}

TEST_F(ReadyAwaiterTest, AWriterWaitsForRoom) {
  SourceHandle writing = *sim_.Run(Adopt(std::move(peer_)));
  std::size_t written = 0;
  auto write_much = [&]() -> Task<absl::Status> {
    constexpr std::size_t kMuch = 1'000'000;
    while (written < kMuch) {
      WriteAttempt attempt(*writing);
      written += co_await OrReturn(
          WhenReady(*writing, Direction::kWrite, FirstTry::kAtOnce, attempt));
    }
    co_return absl::OkStatus();
  };
  std::size_t read = 0;
  auto read_all = [&]() -> Task<absl::Status> {
    for (;;) {
      std::string some = co_await OrReturn(Read());
      if (some.empty()) co_return absl::OkStatus();
      read += some.size();
    }
  };
  JoinHandle<absl::Status> writer = sim_.SpawnJoinable(write_much());
  sim_.RunUntilIdle();
  EXPECT_FALSE(writer.finished());

  JoinHandle<absl::Status> reader = sim_.SpawnJoinable(read_all());
  sim_.RunUntilIdle();
  ASSERT_TRUE(writer.finished());
  EXPECT_TRUE(writer.BlockingJoin().ok());
  writing.reset();
  sim_.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  EXPECT_TRUE(reader.BlockingJoin().ok());
  EXPECT_EQ(read, written);
}

// Would be done at once, and pauses two times on the way.
class UnhurriedAttempt {
 public:
  explicit UnhurriedAttempt(int& tries) : tries_(tries) {}

  std::optional<absl::StatusOr<int>> operator()() {
    paused_ = ++tries_ < 3;
    if (paused_) return std::nullopt;
    return tries_;
  }
  bool paused() const { return paused_; }

 private:
  int& tries_;
  bool paused_ = false;
};

TEST_F(ReadyAwaiterTest, AnAttemptThatPausesGoesOnWhenOthersHadTheirTurn) {
  auto operate = [&]() -> Task<absl::StatusOr<int>> {
    UnhurriedAttempt attempt(tries_);
    absl::StatusOr<int> done = co_await WhenReady(*source_, Direction::kRead,
                                                  FirstTry::kAtOnce, attempt);
    co_return done;
  };
  auto look = [&](int expected) -> Task<> {
    EXPECT_EQ(tries_, expected);
    co_return;
  };
  JoinHandle<absl::StatusOr<int>> operation = sim_.SpawnJoinable(operate());
  sim_.Spawn(look(1));

  sim_.RunUntilIdle();

  ASSERT_TRUE(operation.finished());
  EXPECT_EQ(*operation.BlockingJoin(), 3);
}

TEST_F(ReadyAwaiterTest, AnAttemptIsCancelledWhileItPauses) {
  auto operate = [&]() -> Task<absl::StatusOr<int>> {
    UnhurriedAttempt attempt(tries_);
    absl::StatusOr<int> done = co_await WhenReady(*source_, Direction::kRead,
                                                  FirstTry::kAtOnce, attempt);
    co_return done;
  };
  JoinHandle<absl::StatusOr<int>> operation = sim_.SpawnJoinable(operate());
  ASSERT_TRUE(sim_.RunOneStep());
  EXPECT_EQ(tries_, 1);

  operation.Cancel();
  sim_.RunUntilIdle();

  ASSERT_TRUE(operation.finished());
  EXPECT_EQ(operation.BlockingJoin().status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(tries_, 1);
}

TEST_F(ReadyAwaiterTest, BothDirectionsWaitBesideEachOther) {
  std::array<int, 2> ends{-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                         ends.data()),
            0);
  source_ = *sim_.Run(Adopt(Fd(ends[0])));
  peer_ = Fd(ends[1]);
  std::size_t written = 0;
  auto write_until_cancelled = [&]() -> Task<absl::Status> {
    for (;;) {
      WriteAttempt attempt(*source_);
      written += co_await OrReturn(
          WhenReady(*source_, Direction::kWrite, FirstTry::kAtOnce, attempt));
    }
  };
  JoinHandle<absl::Status> writer = sim_.SpawnJoinable(write_until_cancelled());
  JoinHandle<absl::StatusOr<std::string>> reader = StartReader();
  const std::size_t filled = written;
  EXPECT_GT(filled, 0);

  Send("x");  // Wakes the reader, and the writer for nothing at most.
  sim_.RunUntilIdle();
  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(*reader.BlockingJoin(), "x");
  EXPECT_EQ(written, filled);
  writer.Cancel();
  sim_.RunUntilIdle();

  ASSERT_TRUE(writer.finished());
  EXPECT_EQ(writer.BlockingJoin(), CancelledError());
}

// --- Cancelling -------------------------------------------------------------

TEST_F(ReadyAwaiterTest, AReadInACancelledScopeTakesNothing) {
  Send("kept");
  JoinHandle<absl::StatusOr<std::string>> reader = sim_.SpawnJoinable(Read());

  reader.Cancel();
  sim_.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(reader.BlockingJoin().status(), CancelledError());
  EXPECT_EQ(tries_, 0);
  EXPECT_EQ(*sim_.Run(Read()), "kept");
}

TEST_F(ReadyAwaiterTest, AReadThatIsCancelledWhileItWaitsTakesNothing) {
  JoinHandle<absl::StatusOr<std::string>> reader = StartReader();

  reader.Cancel();
  Send("kept");
  sim_.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(reader.BlockingJoin().status(), CancelledError());
  EXPECT_EQ(*sim_.Run(Read()), "kept");
}

// The edge has been delivered and has queued the reader, and then it is
// cancelled: the kernel will not tell of these bytes a second time.
TEST_F(ReadyAwaiterTest, AReadCancelledJustAfterItsEdgeLeavesItToTheNextRead) {
  JoinHandle<absl::StatusOr<std::string>> reader = StartReader();
  auto deliver_then_cancel = [&]() -> Task<int> {
    Send("kept");
    const absl::StatusOr<int> served =
        CurrentReactor().Poll(absl::ZeroDuration());
    reader.Cancel();
    co_return *served;
  };

  EXPECT_EQ(*sim_.Run(deliver_then_cancel()), 1);
  sim_.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(reader.BlockingJoin().status(), CancelledError());
  EXPECT_TRUE(source_->IsReady(Direction::kRead));
  EXPECT_EQ(*sim_.Run(Read(FirstTry::kWhenReady)), "kept");
}

TEST_F(ReadyAwaiterTest, AReadCancelledJustBeforeItsEdgeLeavesItToTheNextRead) {
  JoinHandle<absl::StatusOr<std::string>> reader = StartReader();
  auto cancel_then_deliver = [&]() -> Task<> {
    reader.Cancel();
    Send("kept");
    const absl::StatusOr<int> served =
        CurrentReactor().Poll(absl::ZeroDuration());
    EXPECT_TRUE(served.ok());
    co_return;
  };

  EXPECT_TRUE(sim_.Run(cancel_then_deliver()).ok());
  sim_.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(reader.BlockingJoin().status(), CancelledError());
  EXPECT_EQ(*sim_.Run(Read(FirstTry::kWhenReady)), "kept");
}

TEST_F(ReadyAwaiterTest, ACancelledReadLeavesAReadThatWaitsOnlyForTheNextEdge) {
  JoinHandle<absl::StatusOr<std::string>> cancelled = StartReader();
  cancelled.Cancel();
  sim_.RunUntilIdle();
  ASSERT_TRUE(cancelled.finished());

  JoinHandle<absl::StatusOr<std::string>> next =
      sim_.SpawnJoinable(Read(FirstTry::kWhenReady));
  sim_.RunUntilIdle();
  EXPECT_FALSE(next.finished());
  Send("next");
  sim_.RunUntilIdle();

  ASSERT_TRUE(next.finished());
  EXPECT_EQ(*next.BlockingJoin(), "next");
}

// --- Closing ----------------------------------------------------------------

TEST_F(ReadyAwaiterTest, AReadOfAClosedSourceIsRefused) {
  source_->Close();

  EXPECT_TRUE(absl::IsFailedPrecondition(sim_.Run(Read()).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      sim_.Run(Read(FirstTry::kWhenReady)).status()));
  EXPECT_EQ(tries_, 0);
}

TEST_F(ReadyAwaiterTest, ClosingUnderAReaderEndsItsRead) {
  JoinHandle<absl::StatusOr<std::string>> reader = StartReader();

  source_->Close();
  sim_.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  const absl::StatusOr<std::string> read = reader.BlockingJoin();
  EXPECT_EQ(read.status(),
            absl::FailedPreconditionError("closed by its owner"));
}

TEST_F(ReadyAwaiterTest, CancellingAReaderThatWasClosedSaysCancelled) {
  JoinHandle<absl::StatusOr<std::string>> reader = StartReader();

  source_->Close();
  reader.Cancel();
  sim_.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(reader.BlockingJoin().status(), CancelledError());
}

// --- The lost wake-up -------------------------------------------------------

TEST_F(ReadyAwaiterTest, AnEdgeBetweenAFailedReadAndTheWaitIsNotLost) {
  StartReader().Cancel();  // From here on the descriptor is registered.
  sim_.RunUntilIdle();
  int edges = 0;
  auto edge_arrives = [&] {
    if (edges++ > 0) return;
    Send("in between");
    const absl::StatusOr<int> served =
        CurrentReactor().Poll(absl::ZeroDuration());
    EXPECT_TRUE(served.ok());
  };
  JoinHandle<absl::StatusOr<std::string>> reader =
      sim_.SpawnJoinable(Read(FirstTry::kAtOnce, edge_arrives));

  sim_.RunUntilIdle();

  EXPECT_EQ(edges, 1);
  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(*reader.BlockingJoin(), "in between");
}

TEST_F(ReadyAwaiterTest, AnEdgeBeforeTheDescriptorIsRegisteredIsNotLost) {
  int edges = 0;
  auto edge_arrives = [&] {
    if (edges++ == 0) Send("before");
  };
  JoinHandle<absl::StatusOr<std::string>> reader =
      sim_.SpawnJoinable(Read(FirstTry::kAtOnce, edge_arrives));

  sim_.RunUntilIdle();

  EXPECT_EQ(edges, 1);
  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(*reader.BlockingJoin(), "before");
}

TEST_F(ReadyAwaiterTest, ACancellationBetweenAFailedReadAndTheWaitIsNotLost) {
  JoinHandle<absl::StatusOr<std::string>> reader;
  auto cancel = [&] { reader.Cancel(); };
  reader = sim_.SpawnJoinable(Read(FirstTry::kAtOnce, cancel));

  sim_.RunUntilIdle();

  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(reader.BlockingJoin().status(), CancelledError());
}

// --- Registering ------------------------------------------------------------

// Refuses to watch another descriptor as long as it is told to.
class FullPoller final : public testing::SimulatedSystem {
 public:
  int event_queue_control(absl::FunctionRef<int()> call) override {
    if (!full) return call();
    errno = ENOMEM;
    return -1;
  }
  bool full = false;
};

TEST(ReadyAwaiterRefusalTest, ARefusedRegistrationIsTheOperationsError) {
  FullPoller system;
  testing::Simulator sim(
      testing::SimulatorOptions{.seed = std::nullopt, .system = &system});
  std::array<int, 2> ends{-1, -1};
  ASSERT_EQ(system.pipe(ends.data()), 0);
  SourceHandle source = *sim.Run(Adopt(Fd(ends[0])));
  Fd peer(ends[1]);
  int tries = 0;
  auto read = [&]() -> Task<absl::StatusOr<std::string>> {
    ReadAttempt attempt(*source, tries, nullptr);
    absl::StatusOr<std::string> read = co_await WhenReady(
        *source, Direction::kRead, FirstTry::kAtOnce, std::move(attempt));
    co_return read;
  };
  auto wait = [&]() -> Task<absl::Status> {
    absl::Status ready = co_await WaitReady(*source, Direction::kRead);
    co_return ready;
  };

  system.full = true;
  EXPECT_TRUE(absl::IsResourceExhausted(sim.Run(read()).status()));
  source->TakeReady(Direction::kRead);  // The refusal has left a hint.
  EXPECT_TRUE(absl::IsResourceExhausted(sim.Run(wait())));

  // No harm done: the next wait registers it.
  system.full = false;
  JoinHandle<absl::StatusOr<std::string>> reader = sim.SpawnJoinable(read());
  sim.RunUntilIdle();
  EXPECT_FALSE(reader.finished());
  ASSERT_EQ(system.write(peer.get(), "x", 1), 1);
  sim.RunUntilIdle();
  ASSERT_TRUE(reader.finished());
  EXPECT_EQ(*reader.BlockingJoin(), "x");
}

// --- Ending -----------------------------------------------------------------

TEST(ReadyAwaiterEndTest, AReaderDiesWithItsRuntimeAndLeavesTheSourceUsable) {
  std::array<int, 2> ends{-1, -1};
  ASSERT_EQ(System::Kernel().pipe(ends.data()), 0);
  Fd peer(ends[1]);
  SourceHandle source;
  int tries = 0;
  auto read = [&]() -> Task<absl::StatusOr<std::string>> {
    ReadAttempt attempt(*source, tries, nullptr);
    absl::StatusOr<std::string> read = co_await WhenReady(
        *source, Direction::kRead, FirstTry::kAtOnce, std::move(attempt));
    co_return read;
  };

  {
    testing::Simulator sim;
    source = *sim.Run(Adopt(Fd(ends[0])));
    sim.Spawn(read());
    sim.RunUntilIdle();
    EXPECT_EQ(tries, 1);
  }
  source->Nudge(Direction::kRead);  // Nobody is armed any more.

  EXPECT_TRUE(source->IsReady(Direction::kRead));
  EXPECT_EQ(tries, 1);
}

}  // namespace
}  // namespace weft
