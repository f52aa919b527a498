// The contract of weft::reactor::Poller, for whichever poller is built: this
// file names no system, and every test holds for epoll and kqueue alike.
//
// Sockets of one machine answer at once or a moment later, so a test waits for
// what must come, as long as it takes, and only then looks for what must not.
// Nothing measures an upper bound of time. That a wait ends *too early* is a
// bug on any machine, however slow, and so may be measured.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/poller.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"
#include "weft/tests/reactor/bare_sockets.h"
#include "weft/tests/support/mortal.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::reactor {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::weft::testing::OpenDescriptors;

constexpr Token kToken{0x0000'0007'0000'002A};
constexpr Token kOther{0x0000'0008'0000'002A};  // Same slot, one generation on.

// The kernel, counting, and failing when told to.
class FaultySystem : public System {
 public:
  // From now on, the n-th call (from 1) fails with `error`, once.
  void FailControl(int nth, int error) {
    control_fault_ = {.calls_left = nth, .error = error};
  }
  void FailWait(int error) { wait_fault_ = {.calls_left = 1, .error = error}; }

  int event_queue_control(absl::FunctionRef<int()> call) override {
    ++control_calls_;
    return control_fault_.Strikes() ? -1 : call();
  }
  int event_queue_wait(absl::FunctionRef<int()> call) override {
    waits_entered_.fetch_add(1);
    waits_entered_.notify_all();
    return wait_fault_.Strikes() ? -1 : call();
  }

  int control_calls() const { return control_calls_.load(); }
  // Returns when a thread is at the door of the kernel for the n-th time.
  void AwaitWaits(int n) const {
    for (int seen = waits_entered_.load(); seen < n;
         seen = waits_entered_.load()) {
      waits_entered_.wait(seen);
    }
  }

 private:
  struct Fault {
    int calls_left = 0;
    int error = 0;

    bool Strikes() {
      if (calls_left == 0) return false;
      --calls_left;
      if (calls_left > 0) return false;
      errno = error;
      return true;
    }
  };

  Fault control_fault_;
  Fault wait_fault_;
  std::atomic<int> control_calls_ = 0;
  std::atomic<int> waits_entered_ = 0;
};

absl::Duration MonotonicNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

class PollerTest : public ::testing::Test {
 protected:
  PollerTest() : poller_(*Poller::Create(system_)) {}

  std::vector<Event> Poll(absl::Duration max_wait = absl::ZeroDuration(),
                          std::size_t room = 16) {
    std::vector<Event> buffer(room);
    const absl::StatusOr<std::span<const Event>> ready =
        poller_.Wait(buffer, max_wait);
    EXPECT_TRUE(ready.ok()) << ready.status();
    if (!ready.ok()) return {};
    return {ready->begin(), ready->end()};
  }

  // Waits until `token` has been all that `wanted` says, in one event or in
  // several, and returns all that it has been by then.
  Event Await(Token token, Event wanted, std::size_t room = 16) {
    Event seen{.token = token};
    const auto lacks = [&] {
      return (wanted.readable && !seen.readable) ||
             (wanted.writable && !seen.writable) ||
             (wanted.hang_up && !seen.hang_up) ||
             (wanted.urgent && !seen.urgent);
    };
    while (lacks()) {
      for (const Event& event : Poll(absl::Minutes(1), room)) {
        if (event.token != token) continue;
        seen.readable |= event.readable;
        seen.writable |= event.writable;
        seen.hang_up |= event.hang_up;
        seen.urgent |= event.urgent;
      }
    }
    return seen;
  }
  Event AwaitReadable(Token token) {
    return Await(token, {.token = token, .readable = true});
  }
  Event AwaitWritable(Token token) {
    return Await(token, {.token = token, .writable = true});
  }
  Event AwaitHangUp(Token token) {
    return Await(token, {.token = token, .hang_up = true});
  }

  // Adds, and takes the event that tells of a fresh socket's buffer space.
  void AddConnected(const Fd& fd, Token token) {
    ASSERT_TRUE(poller_.Add(fd.get(), token).ok());
    AwaitWritable(token);
  }

  FaultySystem system_;
  Poller poller_;
};

TEST_F(PollerTest, ReportsNothingWhenNothingIsRegistered) {
  EXPECT_THAT(Poll(), IsEmpty());
}

TEST_F(PollerTest, ReportsWhatADescriptorIsReadyForWhenAdded) {
  const Pair pair = UnixPair();

  ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());

  const Event seen = AwaitWritable(kToken);
  EXPECT_FALSE(seen.readable);
  EXPECT_FALSE(seen.hang_up);
}

TEST_F(PollerTest, ReportsDataThatWasThereBeforeAdd) {
  const Pair pair = UnixPair();
  Send(pair.theirs, "early");

  ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());

  AwaitReadable(kToken);
}

TEST_F(PollerTest, OneAddWatchesBothDirections) {
  const Pair pair = UnixPair();
  AddConnected(pair.ours, kToken);

  Send(pair.theirs, "x");

  EXPECT_FALSE(AwaitReadable(kToken).hang_up);
}

TEST_F(PollerTest, HandsTheTokenBackBitForBit) {
  const Pair pair = UnixPair();
  constexpr Token kHighest{static_cast<std::uint64_t>(kFirstReservedToken) - 1};

  ASSERT_TRUE(poller_.Add(pair.ours.get(), kHighest).ok());

  AwaitWritable(kHighest);
}

TEST_F(PollerTest, ReportsUnreadDataOnce) {
  const Pair pair = TcpPair();
  AddConnected(pair.ours, kToken);
  Send(pair.theirs, "unread");
  AwaitReadable(kToken);

  EXPECT_THAT(Poll(), IsEmpty());
}

TEST_F(PollerTest, APartialReadIsNoEvent) {
  const Pair pair = TcpPair();
  AddConnected(pair.ours, kToken);
  Send(pair.theirs, "two parts");
  AwaitReadable(kToken);

  EXPECT_EQ(Receive(pair.ours, 3), "two");

  EXPECT_THAT(Poll(), IsEmpty());
}

TEST_F(PollerTest, ReportsNewDataBesideUnreadData) {
  const Pair pair = TcpPair();
  AddConnected(pair.ours, kToken);
  Send(pair.theirs, "old");
  AwaitReadable(kToken);

  Send(pair.theirs, "new");

  AwaitReadable(kToken);
}

TEST_F(PollerTest, ReportsSpaceInABufferThatWasFull) {
  const Pair pair = UnixPair();
  AddConnected(pair.ours, kToken);
  const std::string chunk(4096, 'x');
  while (System::Kernel().send(pair.ours.get(), chunk.data(), chunk.size(), 0) >
         0) {
  }
  ASSERT_EQ(errno, EAGAIN);
  Poll();

  while (Receive(pair.theirs, chunk.size()).size() == chunk.size()) {
  }

  AwaitWritable(kToken);
}

TEST_F(PollerTest, ReportsAConnectionToAccept) {
  const auto [listener, address] = Bound(SOCK_STREAM);
  ASSERT_EQ(::listen(listener.get(), 4), 0);
  ASSERT_TRUE(poller_.Add(listener.get(), kToken).ok());
  EXPECT_THAT(Poll(), IsEmpty());

  const Fd client(System::Kernel().socket(AF_INET, SOCK_STREAM, 0));
  Connect(client, address);

  AwaitReadable(kToken);
}

TEST_F(PollerTest, ReportsAFinishedConnectAsWritable) {
  const auto [listener, address] = Bound(SOCK_STREAM);
  ASSERT_EQ(::listen(listener.get(), 4), 0);
  const Fd client(System::Kernel().socket(AF_INET, SOCK_STREAM, 0));
  Connect(client, address);

  ASSERT_TRUE(poller_.Add(client.get(), kToken).ok());

  EXPECT_FALSE(AwaitWritable(kToken).hang_up);
  EXPECT_EQ(PendingError(client), 0);
}

TEST_F(PollerTest, ReportsARefusedConnectAsWritableWithItsErrorUntouched) {
  const auto [nobody, address] = Bound(SOCK_STREAM);  // Does not listen.
  const Fd client(System::Kernel().socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(Connect(client, address), -1);
  ASSERT_EQ(errno, EINPROGRESS);

  ASSERT_TRUE(poller_.Add(client.get(), kToken).ok());

  AwaitWritable(kToken);
  EXPECT_EQ(PendingError(client), ECONNREFUSED);
}

TEST_F(PollerTest, ReportsTheEndOfAStreamAsReadableAndHungUp) {
  Pair pair = TcpPair();
  AddConnected(pair.ours, kToken);

  ASSERT_TRUE(pair.theirs.Close().ok());

  EXPECT_TRUE(AwaitHangUp(kToken).readable);
  EXPECT_EQ(Receive(pair.ours), "");
}

TEST_F(PollerTest, DataBeforeTheEndOfAStreamIsStillThere) {
  Pair pair = TcpPair();
  AddConnected(pair.ours, kToken);

  Send(pair.theirs, "bytes");
  ASSERT_TRUE(pair.theirs.Close().ok());

  AwaitHangUp(kToken);
  EXPECT_EQ(Receive(pair.ours), "bytes");
  EXPECT_EQ(Receive(pair.ours), "");
}

TEST_F(PollerTest, AHalfClosedConnectionIsHungUpAndStillTakesData) {
  const Pair pair = TcpPair();
  AddConnected(pair.ours, kToken);

  ASSERT_EQ(::shutdown(pair.theirs.get(), SHUT_WR), 0);
  AwaitHangUp(kToken);

  Send(pair.ours, "answer");
  ASSERT_TRUE(poller_.Add(pair.theirs.get(), kOther).ok());
  AwaitReadable(kOther);
  EXPECT_EQ(Receive(pair.theirs), "answer");
}

TEST_F(PollerTest, ReportsAResetInBothDirectionsWithItsErrorUntouched) {
  Pair pair = TcpPair();
  AddConnected(pair.ours, kToken);

  Reset(std::move(pair.theirs));

  Await(kToken,
        {.token = kToken, .readable = true, .writable = true, .hang_up = true});
  EXPECT_EQ(Receive(pair.ours), "!");
  EXPECT_EQ(errno, ECONNRESET);
}

TEST_F(PollerTest, TellsOfUrgentData) {
  const Pair pair = TcpPair();
  AddConnected(pair.ours, kToken);
  Send(pair.theirs, "before");
  EXPECT_FALSE(AwaitReadable(kToken).urgent);

  ASSERT_EQ(::send(pair.theirs.get(), "!", 1, MSG_OOB), 1);

  EXPECT_FALSE(Await(kToken, {.token = kToken, .urgent = true}).hang_up);
}

TEST_F(PollerTest, ReportsTheEndOfAUnixStream) {
  Pair pair = UnixPair();
  AddConnected(pair.ours, kToken);

  ASSERT_TRUE(pair.theirs.Close().ok());

  AwaitHangUp(kToken);
  EXPECT_EQ(Receive(pair.ours), "");
}

TEST_F(PollerTest, AnErrorOfADatagramSocketIsNoHangUp) {
  auto [gone, address] = Bound(SOCK_DGRAM);
  ASSERT_TRUE(gone.Close().ok());
  const Fd socket(System::Kernel().socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_EQ(Connect(socket, address), 0);
  AddConnected(socket, kToken);

  Send(socket, "anybody there?");

  EXPECT_FALSE(AwaitReadable(kToken).hang_up);
  EXPECT_EQ(Receive(socket), "!");
  EXPECT_EQ(errno, ECONNREFUSED);
}

TEST_F(PollerTest, WatchesBothEndsOfAPipe) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(System::Kernel().pipe(ends), 0);
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  ASSERT_TRUE(poller_.Add(reader.get(), kToken).ok());
  ASSERT_TRUE(poller_.Add(writer.get(), kOther).ok());
  AwaitWritable(kOther);

  ASSERT_EQ(::write(writer.get(), "x", 1), 1);
  AwaitReadable(kToken);

  ASSERT_TRUE(poller_.Remove(writer.get()).ok());
  ASSERT_TRUE(writer.Close().ok());
  AwaitHangUp(kToken);
}

TEST_F(PollerTest, APipeWithoutAReaderIsWritable) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(System::Kernel().pipe(ends), 0);
  Fd reader(ends[0]);
  const Fd writer(ends[1]);
  AddConnected(writer, kToken);

  ASSERT_TRUE(reader.Close().ok());

  AwaitWritable(kToken);
}

TEST_F(PollerTest, RefusesToAddTwiceAndKeepsTheFirstToken) {
  const Pair pair = UnixPair();
  AddConnected(pair.ours, kToken);

  EXPECT_EQ(poller_.Add(pair.ours.get(), kOther).code(),
            absl::StatusCode::kAlreadyExists);

  Send(pair.theirs, "x");
  AwaitReadable(kToken);
}

TEST_F(PollerTest, RefusesARegularFile) {
  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);

  EXPECT_EQ(poller_.Add(::fileno(file), kToken).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Poll(), IsEmpty());

  std::fclose(file);
}

TEST_F(PollerTest, RefusesADirectory) {
  const Fd directory(System::Kernel().open("/", O_RDONLY, 0));

  EXPECT_EQ(poller_.Add(directory.get(), kToken).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(PollerTest, RefusesADescriptorThatIsNotOpen) {
  EXPECT_EQ(poller_.Add(-1, kToken).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(PollerTest, AFullKernelIsResourceExhaustedAndLeavesNothingBehind) {
  const Pair pair = UnixPair();
  const int calls_before = system_.control_calls();
  ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());
  const int calls = system_.control_calls() - calls_before;
  ASSERT_TRUE(poller_.Remove(pair.ours.get()).ok());

  // Also at a later call, where an implementation needs several.
  for (int nth = 1; nth <= calls; ++nth) {
    system_.FailControl(nth, ENOSPC);
    const absl::Status added = poller_.Add(pair.ours.get(), kToken);
    if (!added.ok()) {
      EXPECT_EQ(added.code(), absl::StatusCode::kResourceExhausted) << added;
      EXPECT_THAT(Poll(), IsEmpty());
      ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());
    }
    AwaitWritable(kToken);
    ASSERT_TRUE(poller_.Remove(pair.ours.get()).ok());
  }
}

TEST_F(PollerTest, CreateFailsCleanlyAtEveryCallItMakes) {
  const int open_before = OpenDescriptors();
  for (int nth = 1;; ++nth) {
    FaultySystem system;
    system.FailControl(nth, EMFILE);
    const absl::StatusOr<Poller> poller = Poller::Create(system);
    if (poller.ok()) {
      EXPECT_GT(nth, 1);
      break;
    }
    EXPECT_EQ(poller.status().code(), absl::StatusCode::kResourceExhausted);
  }
  EXPECT_EQ(OpenDescriptors(), open_before);
}

TEST_F(PollerTest, ReportsNothingOfARemovedDescriptor) {
  const Pair pair = UnixPair();
  AddConnected(pair.ours, kToken);
  Send(pair.theirs, "never reported");

  ASSERT_TRUE(poller_.Remove(pair.ours.get()).ok());

  EXPECT_THAT(Poll(), IsEmpty());
}

TEST_F(PollerTest, RemoveIsOkForWhatIsNotRegistered) {
  Pair pair = UnixPair();
  EXPECT_TRUE(poller_.Remove(pair.ours.get()).ok());

  ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());
  ASSERT_TRUE(poller_.Remove(pair.ours.get()).ok());
  EXPECT_TRUE(poller_.Remove(pair.ours.get()).ok());

  const int number = pair.ours.get();
  ASSERT_TRUE(pair.ours.Close().ok());
  EXPECT_TRUE(poller_.Remove(number).ok());
}

TEST_F(PollerTest, CanBeAddedAgainAfterRemove) {
  const Pair pair = UnixPair();
  AddConnected(pair.ours, kToken);
  ASSERT_TRUE(poller_.Remove(pair.ours.get()).ok());

  AddConnected(pair.ours, kOther);
}

// golang/go#14548, #59545: the next owner of a number got the events of the
// previous one.
TEST_F(PollerTest, ANumberUsedAgainInheritsNoEvent) {
  for (int i = 0; i < 1000; ++i) {
    Pair first = UnixPair();
    const int number = first.ours.get();
    ASSERT_TRUE(poller_.Add(number, kToken).ok());
    Send(first.theirs, "for the first owner");
    ASSERT_TRUE(poller_.Remove(number).ok());
    ASSERT_TRUE(first.ours.Close().ok());

    const Pair second = UnixPair();
    ASSERT_EQ(second.ours.get(), number);
    ASSERT_TRUE(poller_.Add(number, kOther).ok());

    for (const Event& event : Poll()) {
      ASSERT_EQ(event.token, kOther);
      ASSERT_FALSE(event.readable);
    }
    ASSERT_TRUE(poller_.Remove(number).ok());
  }
}

// epoll keeps a registration as long as any duplicate of the descriptor lives.
TEST_F(PollerTest, AClosedDescriptorIsSilentWhileADuplicateLives) {
  Pair pair = UnixPair();
  AddConnected(pair.ours, kToken);
  const Fd duplicate(::dup(pair.ours.get()));
  ASSERT_TRUE(poller_.Remove(pair.ours.get()).ok());
  ASSERT_TRUE(pair.ours.Close().ok());

  Send(pair.theirs, "for the duplicate");
  EXPECT_THAT(Poll(), IsEmpty());

  ASSERT_TRUE(poller_.Add(duplicate.get(), kOther).ok());
  AwaitReadable(kOther);
}

TEST_F(PollerTest, ABatchOfOneDeliversEverythingInTurn) {
  const Pair first = UnixPair();
  const Pair second = UnixPair();
  AddConnected(first.ours, kToken);
  AddConnected(second.ours, kOther);
  Send(first.theirs, "x");
  Send(second.theirs, "x");

  const std::vector<Event> one = Poll(absl::Minutes(1), /*room=*/1);
  const std::vector<Event> two = Poll(absl::Minutes(1), /*room=*/1);

  ASSERT_EQ(one.size(), 1u);
  ASSERT_EQ(two.size(), 1u);
  EXPECT_NE(one[0].token, two[0].token);
  EXPECT_THAT(Poll(), IsEmpty());
}

TEST_F(PollerTest, DeliversMoreThanOneBatchOfTheKernel) {
  constexpr std::size_t kPairs = 300;
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < kPairs; ++i) {
    pairs.push_back(UnixPair());
    ASSERT_TRUE(poller_.Add(pairs.back().ours.get(), Token{i}).ok());
  }

  std::map<Token, int> events;
  while (events.size() < kPairs) {
    for (const Event& event : Poll(absl::Minutes(1), /*room=*/1000)) {
      ++events[event.token];
    }
  }

  for (const auto& [token, count] : events) EXPECT_EQ(count, 1);
}

// A connection that was reset while nobody cares about it must not keep the
// poller from sleeping: its event comes once.
TEST_F(PollerTest, AnUnattendedResetDoesNotSpin) {
  Pair pair = TcpPair();
  AddConnected(pair.ours, kToken);
  Reset(std::move(pair.theirs));
  Await(kToken, {.token = kToken, .readable = true, .writable = true});

  const absl::Duration start = MonotonicNow();
  EXPECT_THAT(Poll(absl::Milliseconds(20)), IsEmpty());
  EXPECT_GE(MonotonicNow() - start, absl::Milliseconds(20));
}

TEST_F(PollerTest, AnInterruptedWaitIsAnEmptyResult) {
  const Pair pair = UnixPair();
  ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());

  system_.FailWait(EINTR);
  EXPECT_THAT(Poll(absl::InfiniteDuration()), IsEmpty());

  AwaitWritable(kToken);
}

TEST_F(PollerTest, AFailedWaitSaysSoAndLosesNothing) {
  const Pair pair = UnixPair();
  ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());
  std::array<Event, 4> buffer;

  system_.FailWait(ENOMEM);
  EXPECT_EQ(poller_.Wait(buffer, absl::InfiniteDuration()).status().code(),
            absl::StatusCode::kResourceExhausted);

  AwaitWritable(kToken);
}

TEST_F(PollerTest, NeverEndsAWaitEarly) {
  for (const absl::Duration wait :
       {absl::Nanoseconds(0.25), absl::Nanoseconds(1), absl::Microseconds(1),
        absl::Microseconds(300), absl::Microseconds(999.5),
        absl::Milliseconds(1), absl::Microseconds(1001),
        absl::Milliseconds(7)}) {
    const absl::Duration start = MonotonicNow();
    EXPECT_THAT(Poll(wait), IsEmpty());
    EXPECT_GE(MonotonicNow() - start, wait) << wait;
  }
}

TEST_F(PollerTest, AWaitThatIsOverAlreadyDoesNotBlock) {
  EXPECT_THAT(Poll(absl::Seconds(-1)), IsEmpty());
  EXPECT_THAT(Poll(-absl::InfiniteDuration()), IsEmpty());
}

TEST_F(PollerTest, WaitsLongerThanAnyClockEndWithTheEvent) {
  const Pair pair = UnixPair();
  for (const absl::Duration wait :
       {absl::Hours(24 * 40), absl::Hours(24 * 365 * 1000),
        absl::Seconds(std::int64_t{1} << 62)}) {
    ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());
    EXPECT_THAT(Poll(wait), ElementsAre(Field(&Event::token, kToken)));
    ASSERT_TRUE(poller_.Remove(pair.ours.get()).ok());
  }
}

TEST_F(PollerTest, AWakeBeforeTheWaitEndsItAndIsNoEvent) {
  poller_.Wake();

  EXPECT_THAT(Poll(absl::InfiniteDuration()), IsEmpty());
}

TEST_F(PollerTest, WakesCoalesce) {
  const int calls_before = system_.control_calls();
  for (int i = 0; i < 5; ++i) poller_.Wake();
  EXPECT_EQ(system_.control_calls() - calls_before, 1);

  EXPECT_THAT(Poll(absl::InfiniteDuration()), IsEmpty());

  const absl::Duration start = MonotonicNow();
  EXPECT_THAT(Poll(absl::Milliseconds(20)), IsEmpty());
  EXPECT_GE(MonotonicNow() - start, absl::Milliseconds(20));
}

TEST_F(PollerTest, EveryWaitCanBeWokenAgain) {
  for (int i = 0; i < 100; ++i) {
    poller_.Wake();
    EXPECT_THAT(Poll(absl::InfiniteDuration()), IsEmpty());
  }
}

TEST_F(PollerTest, AWakeOfAnotherThreadEndsAWaitInProgress) {
  std::thread waker([&] {
    system_.AwaitWaits(1);
    poller_.Wake();
  });

  EXPECT_THAT(Poll(absl::InfiniteDuration()), IsEmpty());

  waker.join();
}

// dallison/co#1: a wake was cleared together with a batch it did not fit into.
TEST_F(PollerTest, AWakeBesideAnEventLosesNeitherInABatchOfOne) {
  const Pair pair = UnixPair();
  AddConnected(pair.ours, kToken);
  for (int i = 0; i < 50; ++i) {
    Send(pair.theirs, "x");
    poller_.Wake();

    Await(kToken, {.token = kToken, .readable = true}, /*room=*/1);
    Receive(pair.ours);

    // Either this wake or the one before ends it.
    poller_.Wake();
    Poll(absl::InfiniteDuration(), /*room=*/1);
  }
}

// The data passed is not atomic: the thread sanitizer checks that a Wake orders
// what was written before it, and a lost wake hangs.
TEST_F(PollerTest, AWakeHandsOverWhatWasWrittenBefore) {
  constexpr int kHandovers = 20'000;
  int handed_over = 0;
  std::atomic<int> taken = 0;
  std::thread waker([&] {
    for (int i = 1; i <= kHandovers; ++i) {
      handed_over = i;
      poller_.Wake();
      for (int seen = taken.load(); seen < i; seen = taken.load()) {
        taken.wait(seen);
      }
    }
  });

  for (int i = 1; i <= kHandovers; ++i) {
    ASSERT_THAT(Poll(absl::InfiniteDuration()), IsEmpty());
    ASSERT_EQ(handed_over, i);
    taken.store(i);
    taken.notify_one();
  }

  waker.join();
}

TEST_F(PollerTest, NoWakeOfManyThreadsIsLost) {
  constexpr int kThreads = 3;
  constexpr int kPosts = 5'000;
  std::atomic<int> posted = 0;
  std::vector<std::thread> posters;
  for (int i = 0; i < kThreads; ++i) {
    posters.emplace_back([&] {
      for (int post = 0; post < kPosts; ++post) {
        posted.fetch_add(1);
        poller_.Wake();
      }
    });
  }

  // Whoever posts last also wakes after it: without a lost wake this ends.
  while (posted.load() < kThreads * kPosts) Poll(absl::InfiniteDuration());

  for (std::thread& poster : posters) poster.join();
}

TEST_F(PollerTest, OtherThreadsAddAndRemoveDuringAWait) {
  constexpr int kRounds = 2'000;
  std::atomic<bool> done = false;
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      const Pair pair = UnixPair();
      ASSERT_TRUE(poller_.Add(pair.ours.get(), kOther).ok());
      Send(pair.theirs, "x");
      ASSERT_TRUE(poller_.Remove(pair.ours.get()).ok());
    }
    done.store(true);
    poller_.Wake();
  });

  while (!done.load()) {
    for (const Event& event : Poll(absl::InfiniteDuration())) {
      ASSERT_EQ(event.token, kOther);
    }
  }

  other.join();
}

TEST_F(PollerTest, AddOfAnotherThreadReachesAWaitInProgress) {
  const Pair pair = UnixPair();
  std::thread other([&] {
    system_.AwaitWaits(1);
    ASSERT_TRUE(poller_.Add(pair.ours.get(), kToken).ok());
  });

  AwaitWritable(kToken);

  other.join();
}

TEST_F(PollerTest, KeepsWorkingAfterAMove) {
  const Pair pair = UnixPair();
  AddConnected(pair.ours, kToken);

  Poller moved = std::move(poller_);

  Send(pair.theirs, "x");
  std::array<Event, 4> buffer;
  EXPECT_THAT(*moved.Wait(buffer, absl::Minutes(1)),
              ElementsAre(AllOf(Field(&Event::token, kToken),
                                Field(&Event::readable, true))));
  moved.Wake();
  EXPECT_THAT(*moved.Wait(buffer, absl::InfiniteDuration()), IsEmpty());
}

TEST_F(PollerTest, GivesAllItsDescriptorsBack) {
  const int open_before = OpenDescriptors();
  {
    absl::StatusOr<Poller> poller = Poller::Create(system_);
    ASSERT_TRUE(poller.ok());
    ASSERT_TRUE(poller->AddSignal(SIGUSR1, kToken).ok());
    EXPECT_GT(OpenDescriptors(), open_before);
  }
  EXPECT_EQ(OpenDescriptors(), open_before);
}

using PollerDeathTest = PollerTest;

TEST_F(PollerDeathTest, RefusesATokenOfItsOwn) {
  EXPECT_DEATH(poller_.Add(0, kFirstReservedToken).IgnoreError(),
               "the poller's own");
}

TEST_F(PollerDeathTest, WantsRoomForAnEvent) {
  EXPECT_DEATH(poller_.Wait({}, absl::ZeroDuration()).status().IgnoreError(),
               "room for at least one event");
}

// SIGUSR1 and SIGUSR2, blocked, and not pending before or after.
class PollerSignalTest : public PollerTest {
 protected:
  PollerSignalTest() {
    sigemptyset(&blocked_);
    sigaddset(&blocked_, SIGUSR1);
    sigaddset(&blocked_, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &blocked_, &before_);
  }
  ~PollerSignalTest() override {
    while (IsPending(SIGUSR1) || IsPending(SIGUSR2)) {
      int taken = 0;
      sigwait(&blocked_, &taken);
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  static bool IsPending(int signal) {
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, signal) == 1;
  }
  static void Raise(int signal) { ASSERT_EQ(::kill(::getpid(), signal), 0); }

 private:
  sigset_t blocked_;
  sigset_t before_;
};

TEST_F(PollerSignalTest, EachSignalRaisedAfterAReportIsReportedAgain) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());
  EXPECT_THAT(Poll(), IsEmpty());

  for (int i = 0; i < 3; ++i) {
    Raise(SIGUSR1);
    const Event seen = AwaitReadable(kToken);
    EXPECT_FALSE(seen.writable);
    EXPECT_FALSE(seen.hang_up);
    EXPECT_THAT(Poll(), IsEmpty());
  }
}

TEST_F(PollerSignalTest, AReportedSignalIsNotPendingAnyMore) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());
  Raise(SIGUSR1);

  AwaitReadable(kToken);

  EXPECT_FALSE(IsPending(SIGUSR1));
}

TEST_F(PollerSignalTest, SignalsRaisedTogetherAreOneEvent) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());

  for (int i = 0; i < 3; ++i) Raise(SIGUSR1);

  AwaitReadable(kToken);
  EXPECT_THAT(Poll(), IsEmpty());
}

TEST_F(PollerSignalTest, EverySignalHasItsOwnToken) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());
  ASSERT_TRUE(poller_.AddSignal(SIGUSR2, kOther).ok());

  Raise(SIGUSR2);
  AwaitReadable(kOther);
  Raise(SIGUSR1);
  AwaitReadable(kToken);
}

TEST_F(PollerSignalTest, ASignalOfAnotherThreadEndsAWaitInProgress) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());
  std::thread other([&] {
    system_.AwaitWaits(1);
    Raise(SIGUSR1);
  });

  AwaitReadable(kToken);

  other.join();
}

TEST_F(PollerSignalTest, ARemovedSignalIsLeftAlone) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());
  ASSERT_TRUE(poller_.RemoveSignal(SIGUSR1).ok());

  Raise(SIGUSR1);

  EXPECT_THAT(Poll(), IsEmpty());
  EXPECT_TRUE(IsPending(SIGUSR1));
  EXPECT_TRUE(poller_.RemoveSignal(SIGUSR1).ok());
}

TEST_F(PollerSignalTest, ASignalCanBeWatchedAgain) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());
  ASSERT_TRUE(poller_.RemoveSignal(SIGUSR1).ok());
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kOther).ok());

  Raise(SIGUSR1);

  AwaitReadable(kOther);
}

TEST_F(PollerSignalTest, RefusesASecondWatchAndWhatIsNoSignal) {
  ASSERT_TRUE(poller_.AddSignal(SIGUSR1, kToken).ok());

  EXPECT_EQ(poller_.AddSignal(SIGUSR1, kOther).code(),
            absl::StatusCode::kAlreadyExists);
  for (const int signal : {-1, 0, 100'000}) {
    EXPECT_EQ(poller_.AddSignal(signal, kToken).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(poller_.RemoveSignal(signal).ok());
  }
}

using PollerProcessTest = PollerTest;

TEST_F(PollerProcessTest, TellsOnceThatAProcessHasEnded) {
  testing::Mortal mortal;
  ASSERT_TRUE(poller_.AddProcess(mortal.number(), kToken).ok());
  EXPECT_THAT(Poll(), IsEmpty());

  mortal.End();

  AwaitReadable(kToken);
  EXPECT_THAT(Poll(), IsEmpty());
}

// Which of the two is the system's choice; ChildExits knows both.
TEST_F(PollerProcessTest, AnEndBeforeTheWatchIsAnEventOrAnError) {
  testing::Mortal mortal;
  mortal.End();

  const absl::Status added = poller_.AddProcess(mortal.number(), kToken);

  if (added.ok()) {
    AwaitReadable(kToken);
  } else {
    EXPECT_EQ(added.code(), absl::StatusCode::kNotFound) << added;
  }
}

TEST_F(PollerProcessTest, AProcessIsWatchedOnceAndCanBeForgotten) {
  testing::Mortal mortal;
  ASSERT_TRUE(poller_.AddProcess(mortal.number(), kToken).ok());

  EXPECT_EQ(poller_.AddProcess(mortal.number(), kOther).code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(poller_.RemoveProcess(mortal.number()).ok());
  EXPECT_TRUE(poller_.RemoveProcess(mortal.number()).ok());
  mortal.End();

  EXPECT_THAT(Poll(), IsEmpty());
}

TEST_F(PollerProcessTest, KnowsNoProcessOfANumberThatIsNoOnes) {
  testing::Mortal mortal;
  mortal.End();
  mortal.Reap();

  EXPECT_EQ(poller_.AddProcess(mortal.number(), kToken).code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace weft::reactor
