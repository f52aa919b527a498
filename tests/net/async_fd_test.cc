// Tests of waiting for descriptors that somebody else talks through.
//
// SPDX-License-Identifier: MIT

#include "weft/net/async_fd.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/system.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using reactor::Fd;
using reactor::System;

constexpr auto kRefused = absl::StatusCode::kFailedPrecondition;

// Two ends that the test owns and reads and writes itself.
struct Ends {
  Ends() {
    std::array<int, 2> ends;
    EXPECT_EQ(system.socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    near = Fd(ends[0]);
    far = Fd(ends[1]);
  }

  void Send(std::string_view text) {
    EXPECT_EQ(system.send(far.get(), text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
  }
  // What the near end holds; nothing where it would block.
  std::optional<std::string> TryReceive() { return ReceiveFrom(near.get()); }
  std::optional<std::string> ReceiveFrom(int fd) {
    std::array<char, 100> buffer;
    const ssize_t got = system.recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0) return std::nullopt;
    return std::string(buffer.data(), static_cast<std::size_t>(got));
  }

  System& system = System::Kernel();
  Fd near;
  Fd far;
};

bool IsOpen(int fd) { return System::Kernel().fcntl(fd, F_GETFD, 0) != -1; }

// As somebody uses it whose library does the reading.
Task<absl::StatusOr<std::string>> ReceiveByHints(AsyncFd& fd, Ends& ends) {
  for (;;) {
    co_await OrReturn(fd.WaitReadable());
    const std::optional<std::string> text = ends.TryReceive();
    if (text.has_value()) co_return *text;
  }
}

TEST(AsyncFdTest, WaitsUntilABorrowedDescriptorIsReadable) {
  Ends ends;
  std::optional<AsyncFd> fd;
  testing::Simulator sim;
  const auto receive = [&]() -> Task<absl::StatusOr<std::string>> {
    fd.emplace(co_await OrReturn(AsyncFd::Borrow(ends.near.get())));
    co_return co_await ReceiveByHints(*fd, ends);
  };
  auto receiving = sim.SpawnJoinable(receive());
  sim.RunUntilIdle();
  const bool waits = !receiving.finished();

  ends.Send("hello");
  sim.RunUntilIdle();

  EXPECT_TRUE(waits);
  ASSERT_TRUE(receiving.finished());
  EXPECT_EQ(receiving.BlockingJoin().value_or("nothing"), "hello");
  fd.reset();
}

TEST(AsyncFdTest, NeverClosesWhatItBorrows) {
  Ends ends;

  const absl::Status status = Simulate(
      {},
      [](Ends& there) -> Task<absl::Status> {
        AsyncFd fd = co_await OrReturn(AsyncFd::Borrow(there.near.get()));
        fd.Close();
        AsyncFd other = co_await OrReturn(AsyncFd::Borrow(there.near.get()));
        co_return absl::OkStatus();
      },
      ends);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_TRUE(IsOpen(ends.near.get()));
}

TEST(AsyncFdTest, ClosesWhatItOwns) {
  Ends ends;
  const int number = ends.near.get();

  const absl::Status status = Simulate(
      {},
      [](Ends& there) -> Task<absl::Status> {
        AsyncFd fd = co_await OrReturn(AsyncFd::Adopt(std::move(there.near)));
        co_return absl::OkStatus();
      },
      ends);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_FALSE(IsOpen(number));
}

// A library that reconnects closes its descriptor when it likes.
TEST(AsyncFdTest, StandsThatItsOwnerClosesABorrowedDescriptor) {
  Ends ends;

  const absl::Status status = Simulate(
      {},
      [](Ends& there) -> Task<absl::Status> {
        AsyncFd first = co_await OrReturn(AsyncFd::Borrow(there.near.get()));
        there.near = Fd();
        Ends others;  // One of which gets the number.
        AsyncFd second = co_await OrReturn(AsyncFd::Borrow(others.near.get()));
        first.Close();
        others.Send("hello");
        const std::string text =
            co_await OrReturn(ReceiveByHints(second, others));
        EXPECT_EQ(text, "hello");
        co_return absl::OkStatus();
      },
      ends);

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(AsyncFdTest, LetsTwoBorrowOneDescriptor) {
  Ends ends;

  const absl::Status status = Simulate(
      {},
      [](Ends& there) -> Task<absl::Status> {
        AsyncFd first = co_await OrReturn(AsyncFd::Borrow(there.near.get()));
        AsyncFd second = co_await OrReturn(AsyncFd::Borrow(there.near.get()));
        there.Send("one");
        const std::string one = co_await OrReturn(ReceiveByHints(first, there));
        there.Send("two");
        const std::string two =
            co_await OrReturn(ReceiveByHints(second, there));
        EXPECT_EQ(one + two, "onetwo");
        co_return absl::OkStatus();
      },
      ends);

  EXPECT_EQ(status, absl::OkStatus());
}

// --- TryIo ------------------------------------------------------------------

Task<absl::StatusOr<std::string>> ReceiveByTryIo(AsyncFd& fd, Ends& ends,
                                                 int& tries) {
  const auto receive =
      [&](int number) -> std::optional<absl::StatusOr<std::string>> {
    ++tries;
    const std::optional<std::string> text = ends.ReceiveFrom(number);
    if (!text.has_value()) return std::nullopt;
    return *text;
  };
  co_return co_await fd.TryIo(Direction::kRead, receive);
}

TEST(AsyncFdTest, TriesAgainWhenTheDescriptorIsReady) {
  Ends ends;
  std::optional<AsyncFd> fd;
  int tries = 0;
  testing::Simulator sim;
  const auto receive = [&]() -> Task<absl::StatusOr<std::string>> {
    fd.emplace(co_await OrReturn(AsyncFd::Adopt(std::move(ends.near))));
    co_return co_await ReceiveByTryIo(*fd, ends, tries);
  };
  auto receiving = sim.SpawnJoinable(receive());
  sim.RunUntilIdle();
  const int tries_before = tries;

  ends.Send("hello");
  sim.RunUntilIdle();

  EXPECT_GE(tries_before, 1);
  EXPECT_GT(tries, tries_before);
  ASSERT_TRUE(receiving.finished());
  EXPECT_EQ(receiving.BlockingJoin().value_or("nothing"), "hello");
  fd.reset();
}

Task<absl::Status> FillUp(AsyncFd& fd, std::size_t& sent) {
  const std::string text(10'000, 'x');
  const auto send = [&](int number) -> std::optional<absl::Status> {
    const ssize_t result =
        System::Kernel().send(number, text.data(), text.size(), 0);
    const int error = errno;
    if (result >= 0) sent += static_cast<std::size_t>(result);
    if (result >= 0) return absl::OkStatus();
    if (error == EAGAIN) return std::nullopt;
    return reactor::ErrnoToStatus(error, "send");
  };
  while (sent < 1'000'000) {
    co_await OrReturn(fd.TryIo(Direction::kWrite, send));
  }
  co_return absl::OkStatus();
}

TEST(AsyncFdTest, WaitsUntilThereIsRoomToWrite) {
  Ends ends;
  std::optional<AsyncFd> fd;
  std::size_t sent = 0;
  testing::Simulator sim;
  const auto fill = [&]() -> Task<absl::Status> {
    fd.emplace(co_await OrReturn(AsyncFd::Borrow(ends.near.get())));
    co_return co_await FillUp(*fd, sent);
  };
  auto filling = sim.SpawnJoinable(fill());
  sim.RunUntilIdle();
  const bool waits = !filling.finished();

  while (!filling.finished()) {
    while (ends.ReceiveFrom(ends.far.get()).has_value()) continue;
    sim.RunUntilIdle();
  }

  EXPECT_TRUE(waits);
  EXPECT_EQ(filling.BlockingJoin(), absl::OkStatus());
  fd.reset();
}

TEST(AsyncFdTest, PassesOnTheErrorOfTheCall) {
  Ends ends;

  const absl::Status status = Simulate(
      {},
      [](Ends& there) -> Task<absl::Status> {
        AsyncFd fd = co_await OrReturn(AsyncFd::Borrow(there.near.get()));
        const auto fail = [](int) -> std::optional<absl::Status> {
          return absl::InternalError("broken");
        };
        co_return co_await fd.TryIo(Direction::kRead, fail);
      },
      ends);

  EXPECT_EQ(status, absl::InternalError("broken"));
}

// --- How it ends ------------------------------------------------------------

TEST(AsyncFdTest, TellsItsWaiterThatItWasClosed) {
  Ends ends;
  std::optional<AsyncFd> fd;
  testing::Simulator sim;
  const auto receive = [&]() -> Task<absl::StatusOr<std::string>> {
    fd.emplace(co_await OrReturn(AsyncFd::Borrow(ends.near.get())));
    co_return co_await ReceiveByHints(*fd, ends);
  };
  auto receiving = sim.SpawnJoinable(receive());
  sim.RunUntilIdle();

  fd->Close();
  sim.RunUntilIdle();

  ASSERT_TRUE(receiving.finished());
  EXPECT_EQ(receiving.BlockingJoin().status().code(), kRefused);
  fd.reset();
}

TEST(AsyncFdTest, TellsThatTheOtherEndIsGone) {
  Ends ends;

  const absl::Status status = Simulate(
      {},
      [](Ends& there) -> Task<absl::Status> {
        AsyncFd fd = co_await OrReturn(AsyncFd::Borrow(there.near.get()));
        there.far = Fd();
        const std::string end = co_await OrReturn(ReceiveByHints(fd, there));
        EXPECT_EQ(end, "");
        co_return absl::OkStatus();
      },
      ends);

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(AsyncFdTest, RefusesWhatCannotBeWaitedFor) {
  const testing::TemporaryDirectory directory;
  directory.Write("file", "text");

  const absl::Status status = Simulate(
      {},
      [](const testing::TemporaryDirectory& there) -> Task<absl::Status> {
        System& system = System::Kernel();
        Fd file(system.open((there / "file").c_str(), O_RDONLY, 0));
        Fd folder(system.open(there.path().c_str(), O_RDONLY, 0));
        const auto borrowed = AsyncFd::Borrow(file.get());
        const auto adopted = AsyncFd::Adopt(std::move(file));
        const auto of_folder = AsyncFd::Adopt(std::move(folder));
        const auto of_nothing = AsyncFd::Borrow(-1);
        EXPECT_EQ(borrowed.status().code(), kRefused);
        EXPECT_EQ(adopted.status().code(), kRefused);
        EXPECT_EQ(of_folder.status().code(), kRefused);
        EXPECT_EQ(of_nothing.status().code(), kRefused);
        co_return absl::OkStatus();
      },
      directory);

  EXPECT_EQ(status, absl::OkStatus());
}

// What a poller says of a device that it cannot watch.
class RefusingSystem : public testing::SimulatedSystem {
 public:
  int event_queue_control(absl::FunctionRef<int()> call) override {
    if (!refuses) return SimulatedSystem::event_queue_control(call);
    errno = EPERM;
    return -1;
  }

  bool refuses = false;
};

TEST(AsyncFdTest, SaysAtOnceWhatThePollerRefuses) {
  RefusingSystem system;
  Ends ends;

  const absl::Status status = Simulate(
      {.system = &system},
      [](RefusingSystem& refusing, Ends& there) -> Task<absl::Status> {
        refusing.refuses = true;
        const auto fd = AsyncFd::Borrow(there.near.get());
        refusing.refuses = false;
        co_return fd.status();
      },
      system, ends);

  EXPECT_EQ(status.code(), kRefused);
}

// --- Cancellation -----------------------------------------------------------

Task<absl::Status> SendLetters(Ends& ends) {
  for (const std::string_view letter : {"a", "b", "c", "d"}) {
    co_await Yield();
    ends.Send(letter);
  }
  co_return absl::OkStatus();
}

// By hints and by TryIo, in turn.
Task<absl::Status> ReceiveLetters(AsyncFd& fd, Ends& ends, std::string& got) {
  while (got.size() < 4) {
    int tries = 0;
    if (got.size() % 2 == 0) {
      got += co_await OrReturn(ReceiveByHints(fd, ends));
    } else {
      got += co_await OrReturn(ReceiveByTryIo(fd, ends, tries));
    }
  }
  co_return absl::OkStatus();
}

Task<absl::StatusOr<std::string>> ReceiveInSpiteOfAll() {
  Ends ends;
  std::string got;
  AsyncFd fd = co_await OrReturn(AsyncFd::Borrow(ends.near.get()));
  JoinHandle<absl::Status> sending = Spawn(SendLetters, std::ref(ends));
  absl::Status status = co_await ReceiveLetters(fd, ends, got);
  if (absl::IsCancelled(status)) {
    status = co_await Shield(ReceiveLetters(fd, ends, got));
  }
  const auto sent = [&]() -> Task<absl::Status> {
    co_return co_await sending.Join();
  };
  co_await OrReturn(Shield(sent()));
  if (!status.ok()) co_return status;
  co_return got;
}

TEST(AsyncFdTest, LosesNoHintToACancellation) {
  const auto check = [](const absl::StatusOr<std::string>& got,
                        const testing::Interrupted&) {
    if (!got.ok()) return got.status();
    return *got == "abcd" ? absl::OkStatus() : absl::InternalError(*got);
  };

  const absl::StatusOr<int> places =
      testing::CancelEverywhere({.seeds = 20}, ReceiveInSpiteOfAll, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 4);
}

// What a receiver of letters leaves when its AsyncFd is closed under it.
struct ClosedUnder {
  AsyncFd* fd = nullptr;  // While there is one.
  std::string got;
  std::string left;
};

// The descriptor is borrowed, so that it is there when the AsyncFd is closed.
Task<absl::Status> ReceiveUntilClosed(ClosedUnder& letters) {
  Ends ends;
  AsyncFd fd = co_await OrReturn(AsyncFd::Borrow(ends.near.get()));
  letters.fd = &fd;
  JoinHandle<absl::Status> sending = Spawn(SendLetters, std::ref(ends));
  const absl::Status received = co_await ReceiveLetters(fd, ends, letters.got);
  letters.fd = nullptr;
  co_await OrReturn(sending.Join());
  letters.left = ends.TryReceive().value_or("");
  co_return received;
}

TEST(AsyncFdTest, ClosedByAnotherTaskAnywhereItTellsItsWaiterAndLeavesTheRest) {
  const int before = testing::OpenDescriptors();
  ClosedUnder letters;
  const auto start = [&letters] {
    letters = ClosedUnder();
    return ReceiveUntilClosed(letters);
  };
  const auto close = [&letters] {
    if (letters.fd != nullptr) letters.fd->Close();
  };
  const auto check = [&letters](const absl::Status& received,
                                const testing::Interrupted& at) {
    const bool clear = received.ok() || received.code() == kRefused;
    if (!clear || (at.undisturbed && !received.ok())) return received;
    return letters.got + letters.left == "abcd"
               ? absl::OkStatus()
               : absl::InternalError(letters.got + letters.left);
  };

  const absl::StatusOr<int> places =
      testing::CloseEverywhere({.seeds = 20}, start, close, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 4);
  EXPECT_EQ(testing::OpenDescriptors(), before);
}

}  // namespace
}  // namespace weft::net
