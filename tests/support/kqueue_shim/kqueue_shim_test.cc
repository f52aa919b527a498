// What a real kqueue answers, case by case, and that the shim answers the same.
//
// kGolden below is a table of small dialogues with the kernel and of its
// answers, measured on NetBSD 7.99, or, where a note says so, as FreeBSD and
// macOS document them because that NetBSD was behind. Known differences are not
// in it but in kqueue_shim.h.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/kqueue_shim/kqueue_shim.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/tests/support/kqueue_shim/dialogue.h"

namespace weft::kqueue_shim {
namespace {

const Golden kGolden[] = {
    {"CloseDropsTheKnoteAlthoughADuplicateLives",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       kernel.Submit(ours, EVFILT_READ, EV_ADD);
       kernel.Duplicate(ours);
       Dialogue::Write(theirs, "abc");
       kernel.Close(ours);
       return kernel.Poll();
     },
     ""},
    {"DeleteAfterCloseIsABadDescriptor",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       kernel.Submit(ours, EVFILT_READ, EV_ADD);
       kernel.Close(ours);
       return kernel.Submit(ours, EVFILT_READ, EV_DELETE);
     },
     "EBADF"},
    {"AddEnablesWhatDispatchDisabled",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       Dialogue::Write(theirs, "abc");
       kernel.Submit(ours, EVFILT_READ, EV_ADD | EV_DISPATCH);
       std::string said = InTurn({kernel.Poll(), kernel.Poll(), ""});
       kernel.Submit(ours, EVFILT_READ, EV_ADD | EV_DISPATCH);
       return said + kernel.Poll();
     },
     "READ 3; ; READ 3"},
    // FreeBSD and macOS.
    {"EnableLooksAgainAfterDispatch",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       Dialogue::Write(theirs, "abc");
       kernel.Submit(ours, EVFILT_READ, EV_ADD | EV_DISPATCH);
       kernel.Poll();
       kernel.Submit(ours, EVFILT_READ, EV_ENABLE);
       return kernel.Poll();
     },
     "READ 3"},
    // NetBSD of 2016.
    {"EnableDoesNotLookAgainOnAnOlderSystem",
     [](Dialogue& kernel) {
       SetKnobs({.enable_tests_again = false});
       const auto [ours, theirs] = kernel.Stream();
       Dialogue::Write(theirs, "abc");
       kernel.Submit(ours, EVFILT_READ, EV_ADD | EV_DISPATCH);
       kernel.Poll();
       kernel.Submit(ours, EVFILT_READ, EV_ENABLE);
       return kernel.Poll();
     },
     ""},
    {"AddedDisabledIsSilentUntilItIsEnabled",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       Dialogue::Write(theirs, "abc");
       kernel.Submit(ours, EVFILT_READ, EV_ADD | EV_DISABLE);
       std::string said = kernel.Poll() + "; ";
       kernel.Submit(ours, EVFILT_READ, EV_ENABLE);
       return said + kernel.Poll();
     },
     "; READ 3"},
    {"AResetEndsTheWriteSideWithItsError",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Connection();
       kernel.Submit(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR);
       kernel.Poll();
       kernel.Reset(theirs);
       return kernel.Wait();
     },
     "WRITE EOF ECONNRESET"},
    {"AResetEndsTheReadSideToo",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Connection();
       kernel.Submit(ours, EVFILT_READ, EV_ADD | EV_CLEAR);
       kernel.Reset(theirs);
       return kernel.Wait();
     },
     "READ 0 EOF ECONNRESET"},
    {"AFinEndsTheReadSideOnly",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Connection();
       kernel.Submit(ours, EVFILT_READ, EV_ADD);
       kernel.Submit(ours, EVFILT_WRITE, EV_ADD);
       kernel.Close(theirs);
       std::string said;
       while (said.find("EOF") == std::string::npos) said = kernel.Wait();
       return said;
     },
     "READ 0 EOF, WRITE some"},
    {"ShuttingDownWritingEndsOurWriteSide",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Connection();
       kernel.Submit(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR);
       kernel.Poll();
       ::shutdown(ours, SHUT_WR);
       return kernel.Wait();
     },
     "WRITE EOF"},
    {"WriteSaysHowMuchSpaceThereIs",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Connection();
       kernel.Submit(ours, EVFILT_WRITE, EV_ADD);
       return kernel.Poll();
     },
     "WRITE some"},
    {"AListenerSaysHowManyWait",
     [](Dialogue& kernel) {
       const int listener = kernel.Socket();
       kernel.Bind(listener);
       ::listen(listener, 5);
       kernel.Connect(kernel.Socket());
       kernel.Connect(kernel.Socket());
       kernel.Submit(listener, EVFILT_READ, EV_ADD);
       return kernel.Poll();
     },
     "READ 2"},
    {"ABadChangeIsAnswered_AndTheNextOneIsMade",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       Dialogue::Write(theirs, "abc");
       const std::string said = kernel.Submit(
           {{9999, EVFILT_READ, EV_ADD}, {ours, EVFILT_READ, EV_ADD}});
       return said + "; " + kernel.Poll();
     },
     "READ:EBADF; READ 3"},
    {"ABadChangeWithoutRoomEndsTheCall_AndTheRestIsNotMade",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       Dialogue::Write(theirs, "abc");
       const std::string said = kernel.SubmitWithoutRoom(
           {{9999, EVFILT_READ, EV_ADD}, {ours, EVFILT_READ, EV_ADD}});
       return said + "; " + kernel.Poll();
     },
     "EBADF; "},
    {"ReceiptsAnswerEachChangeAndHoldEventsBack",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       Dialogue::Write(theirs, "abc");
       const std::string said =
           kernel.Submit({{ours, EVFILT_READ, EV_ADD | EV_RECEIPT},
                          {ours, EVFILT_WRITE, EV_DELETE | EV_RECEIPT},
                          {ours, EVFILT_WRITE, EV_ADD | EV_RECEIPT}});
       return said + "; " + kernel.Poll();
     },
     "READ:ok, WRITE:ENOENT, WRITE:ok; READ 3, WRITE some"},
    {"ClearReportsNewDataAndNoPartialRead",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Connection();
       kernel.Submit(ours, EVFILT_READ, EV_ADD | EV_CLEAR);
       Dialogue::Write(theirs, "abc");
       std::string said = InTurn({kernel.Wait(), kernel.Poll(), ""});
       Dialogue::Read(ours, 1);
       said += kernel.Poll() + "; ";
       Dialogue::Write(theirs, "de");
       return said + kernel.Wait();
     },
     "READ 3; ; ; READ 4"},
    {"WithoutClearAnEventComesAsLongAsItIsTrue",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       kernel.Submit(ours, EVFILT_READ, EV_ADD);
       Dialogue::Write(theirs, "abc");
       std::string said = InTurn({kernel.Poll(), kernel.Poll(), ""});
       Dialogue::Read(ours, 3);
       return said + kernel.Poll();
     },
     "READ 3; READ 3; "},
    {"TheEndOfAStreamComesWithWhatIsLeftToRead",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       Dialogue::Write(theirs, "abc");
       kernel.Close(theirs);
       kernel.Submit(ours, EVFILT_READ, EV_ADD);
       std::string said = kernel.Poll() + "; ";
       Dialogue::Read(ours, 3);
       return said + kernel.Poll();
     },
     "READ 3 EOF; READ 0 EOF"},
    {"OneshotIsGoneAfterItsEvent",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       Dialogue::Write(theirs, "abc");
       kernel.Submit(ours, EVFILT_READ, EV_ADD | EV_ONESHOT);
       std::string said = InTurn({kernel.Poll(), kernel.Poll(), ""});
       return said + kernel.Submit(ours, EVFILT_READ, EV_DELETE);
     },
     "READ 3; ; ENOENT"},
    {"ARefusedConnectEndsTheWriteSideWithItsError",
     [](Dialogue& kernel) {
       kernel.Bind(kernel.Socket());  // Does not listen.
       const int client = kernel.Socket();
       ::fcntl(client, F_SETFL, O_NONBLOCK);
       kernel.Submit(client, EVFILT_WRITE, EV_ADD | EV_CLEAR);
       std::string said = kernel.Poll() + "; ";
       kernel.Connect(client);
       return said + kernel.Wait();
     },
     "; WRITE EOF ECONNREFUSED"},
    {"APipeEndsBothWays",
     [](Dialogue& kernel) {
       const auto [reader, writer] = kernel.Pipe();
       kernel.Submit(reader, EVFILT_READ, EV_ADD);
       kernel.Close(writer);
       std::string said = kernel.Poll() + "; ";
       const auto [reader2, writer2] = kernel.Pipe();
       kernel.Close(reader);
       kernel.Submit(writer2, EVFILT_WRITE, EV_ADD);
       kernel.Close(reader2);
       return said + kernel.Poll();
     },
     "READ 0 EOF; WRITE EOF"},
    {"LowWaterHoldsBackSmallAmounts",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       kernel.Submit(ours, EVFILT_READ, EV_ADD, NOTE_LOWAT, 3);
       Dialogue::Write(theirs, "ab");
       std::string said = kernel.Poll() + "; ";
       Dialogue::Write(theirs, "c");
       return said + kernel.Poll();
     },
     "; READ 3"},
    {"AFileIsReadyUntilItsEnd",
     [](Dialogue& kernel) {
       std::FILE* const file = std::tmpfile();
       const int fd = ::fileno(file);
       Dialogue::Write(fd, "abcd");
       ::lseek(fd, 1, SEEK_SET);
       kernel.Submit(fd, EVFILT_READ, EV_ADD);
       std::string said = kernel.Poll() + "; ";
       ::lseek(fd, 4, SEEK_SET);
       said += kernel.Poll();
       kernel.Submit(fd, EVFILT_READ, EV_DELETE);
       std::fclose(file);
       return said;
     },
     "READ 3; "},
    {"UserTriggersCoalesceAndCollectTheirFlags",
     [](Dialogue& kernel) {
       kernel.Submit(1, EVFILT_USER, EV_ADD | EV_CLEAR);
       std::string said = kernel.Poll() + "; ";
       for (const std::uint32_t bit : {1U, 2U, 4U, 8U, 16U}) {
         kernel.Submit(1, EVFILT_USER, 0, NOTE_TRIGGER | NOTE_FFOR | bit);
       }
       return said + InTurn({kernel.Poll(), kernel.Poll()});
     },
     "; USER 0x1f; "},
    {"UserWithoutClearStaysTriggered",
     [](Dialogue& kernel) {
       kernel.Submit(1, EVFILT_USER, EV_ADD);
       kernel.Submit(1, EVFILT_USER, 0, NOTE_TRIGGER);
       return InTurn({kernel.Poll(), kernel.Poll()});
     },
     "USER 0x0; USER 0x0"},
    // FreeBSD and macOS; NetBSD of 2016 has no EVFILT_USER.
    {"UserCanBeTriggeredAsItIsAdded",
     [](Dialogue& kernel) {
       kernel.Submit(1, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_TRIGGER);
       return kernel.Poll();
     },
     "USER 0x0"},
    {"TriggeringTheUnknownIsAnError",
     [](Dialogue& kernel) {
       return kernel.Submit(1, EVFILT_USER, 0, NOTE_TRIGGER);
     },
     "ENOENT"},
    {"APeriodicTimerCountsWhatWasNotCollected",
     [](Dialogue& kernel) {
       kernel.Submit(1, EVFILT_TIMER, EV_ADD | EV_DISABLE, NOTE_USECONDS, 100);
       kernel.Submit(2, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 5);
       std::string said = kernel.Wait() + "; ";  // 50 periods on.
       kernel.Submit(1, EVFILT_TIMER, EV_ENABLE);
       const std::string fast = kernel.Poll();
       return said + (fast.size() > std::string_view("TIMER 9").size()
                          ? "TIMER many"
                          : fast);
     },
     "TIMER 1; TIMER many"},
    // FreeBSD and macOS; EINVAL on NetBSD of 2016.
    {"ATimerOfNothingFiresAtOnce",
     [](Dialogue& kernel) {
       kernel.Submit(1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 0);
       return InTurn({kernel.Wait(), kernel.Poll()});
     },
     "TIMER 1; "},
    // FreeBSD and macOS; not on NetBSD of 2016.
    {"AddingATimerAgainArmsItAnew",
     [](Dialogue& kernel) {
       kernel.Submit(1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, NOTE_SECONDS, 3600);
       kernel.Submit(1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 1);
       return kernel.Wait();
     },
     "TIMER 1"},
    // FreeBSD; NetBSD takes it.
    {"ANegativeTimerIsRefused",
     [](Dialogue& kernel) {
       return kernel.Submit(1, EVFILT_TIMER, EV_ADD, 0, -1);
     },
     "EINVAL"},
    {"ASignalIsReportedEachTime",
     [](Dialogue& kernel) {
       sigset_t only;
       sigset_t before;
       sigemptyset(&only);
       sigaddset(&only, SIGUSR1);
       pthread_sigmask(SIG_BLOCK, &only, &before);
       kernel.Submit(SIGUSR1, EVFILT_SIGNAL, EV_ADD);
       ::kill(::getpid(), SIGUSR1);
       std::string said = InTurn({kernel.Wait(), kernel.Poll(), ""});
       ::kill(::getpid(), SIGUSR1);
       said += kernel.Wait();
       pthread_sigmask(SIG_SETMASK, &before, nullptr);
       return said;
     },
     "SIGNAL 1; ; SIGNAL 1"},
    {"TheTwoDirectionsAreSeparate",
     [](Dialogue& kernel) {
       const auto [ours, theirs] = kernel.Stream();
       kernel.Submit(ours, EVFILT_WRITE, EV_ADD | EV_CLEAR);
       std::string said = kernel.Poll() + "; ";
       said += kernel.Submit(ours, EVFILT_READ, EV_DELETE) + "; ";
       Dialogue::Write(theirs, "abc");
       return said + kernel.Poll();
     },
     "WRITE some; ENOENT; "},
    {"ASocketThatWasNeverConnectedIsNotReady",
     [](Dialogue& kernel) {
       const int socket = kernel.Socket();
       kernel.Submit(socket, EVFILT_READ, EV_ADD);
       kernel.Submit(socket, EVFILT_WRITE, EV_ADD);
       return kernel.Poll();
     },
     ""},
    {"AQueueCanBeWatchedByAnother",
     [](Dialogue& kernel) {
       Dialogue inner;
       inner.Submit(1, EVFILT_USER, EV_ADD | EV_CLEAR);
       const auto [ours, theirs] = inner.Stream();
       inner.Submit(ours, EVFILT_READ, EV_ADD);
       kernel.Submit(inner.queue, EVFILT_READ, EV_ADD);
       std::string said = kernel.Poll() + "; ";
       Dialogue::Write(theirs, "abc");
       return said + (kernel.Poll().starts_with("READ") ? "READ" : "nothing");
     },
     "; READ"},
    {"ATriggerMakesItsQueueReadable",
     [](Dialogue& kernel) {
       Dialogue inner;
       inner.Submit(1, EVFILT_USER, EV_ADD | EV_CLEAR);
       kernel.Submit(inner.queue, EVFILT_READ, EV_ADD | EV_CLEAR);
       std::string said = kernel.Poll() + "; ";
       inner.Submit(1, EVFILT_USER, 0, NOTE_TRIGGER);
       return said + (kernel.Poll().starts_with("READ") ? "READ" : "nothing");
     },
     "; READ"},
    // FreeBSD and macOS.
    {"AQueueCannotBeWatchedForWriting",
     [](Dialogue& kernel) {
       Dialogue inner;
       return kernel.Submit(inner.queue, EVFILT_WRITE, EV_ADD);
     },
     "EINVAL"},
};

class GoldenTest : public ::testing::TestWithParam<Golden> {
 protected:
  ~GoldenTest() override { SetKnobs({}); }
};

TEST_P(GoldenTest, IsWhatARealKernelSays) {
  Dialogue kernel;
  EXPECT_EQ(GetParam().talk(kernel), GetParam().answer);
}

std::string GoldenName(const ::testing::TestParamInfo<Golden>& info) {
  std::string name(info.param.name);
  std::erase(name, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Kqueue, GoldenTest, ::testing::ValuesIn(kGolden),
                         GoldenName);

// The knobs, and what is not a dialogue.
class KqueueShimTest : public ::testing::Test {
 protected:
  ~KqueueShimTest() override { SetKnobs({}); }
  Dialogue kernel_;
};

TEST_F(KqueueShimTest, ClosesAreSeenWithoutATellingThem) {
  const auto [ours, theirs] = kernel_.Stream();
  kernel_.Submit(ours, EVFILT_READ, EV_ADD);
  const int number = ours;
  kernel_.Close(ours);
  const auto [again, peer] = kernel_.Stream();
  ASSERT_EQ(again, number);

  Dialogue::Write(peer, "for nobody");

  EXPECT_EQ(kernel_.Poll(), "");
}

TEST_F(KqueueShimTest, ReplacingADescriptorIsAClose) {
  const auto [ours, theirs] = kernel_.Stream();
  const auto [other, peer] = kernel_.Stream();
  kernel_.Submit(ours, EVFILT_READ, EV_ADD);

  ASSERT_EQ(::dup2(other, ours), ours);
  Dialogue::Write(peer, "for nobody");

  EXPECT_EQ(kernel_.Poll(), "");
}

TEST_F(KqueueShimTest, AClosedQueueIsGone) {
  const int queue = ::kqueue();
  ASSERT_EQ(::close(queue), 0);

  EXPECT_EQ(::kevent(queue, nullptr, 0, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(KqueueShimTest, ATriggerOfAnotherThreadEndsAWait) {
  kernel_.Submit(1, EVFILT_USER, EV_ADD | EV_CLEAR);
  std::thread other([&] { kernel_.Submit(1, EVFILT_USER, 0, NOTE_TRIGGER); });

  EXPECT_EQ(kernel_.Wait(), "USER 0x0");

  other.join();
}

TEST_F(KqueueShimTest, SeveralWaitersGetOneEventEach) {
  constexpr int kWaiters = 3;
  std::vector<std::thread> waiters;
  std::array<std::string, kWaiters> got;
  for (int i = 0; i < kWaiters; ++i) {
    kernel_.Submit(i, EVFILT_USER, EV_ADD | EV_ONESHOT);
  }
  SetKnobs({.largest_batch = 1});
  for (std::string& mine : got) {
    waiters.emplace_back([&] { mine = kernel_.Wait(); });
  }

  for (int i = 0; i < kWaiters; ++i) {
    kernel_.Submit(i, EVFILT_USER, 0, NOTE_TRIGGER);
  }
  for (std::thread& waiter : waiters) waiter.join();

  EXPECT_THAT(got, ::testing::Each("USER 0x0"));
}

TEST_F(KqueueShimTest, InterruptedCallsHaveMadeTheirChanges) {
  const auto [ours, theirs] = kernel_.Stream();
  Dialogue::Write(theirs, "abc");
  SetKnobs({.interrupted_one_in = 1});
  EXPECT_EQ(kernel_.Submit({{ours, EVFILT_READ, EV_ADD}}), "EINTR");

  SetKnobs({});
  EXPECT_EQ(kernel_.Poll(), "READ 3");
}

TEST_F(KqueueShimTest, CanRunOutOfMemory) {
  SetKnobs({.out_of_memory_one_in = 1});
  EXPECT_EQ(kernel_.Poll(), "ENOMEM");
}

TEST_F(KqueueShimTest, CanReportWhatDidNotHappen) {
  const auto [ours, theirs] = kernel_.Stream();
  kernel_.Submit(ours, EVFILT_READ, EV_ADD | EV_CLEAR);
  SetKnobs({.spurious_one_in = 1});
  EXPECT_EQ(kernel_.Poll(), "READ 0");
}

// A process that ends when its end of a pipe is closed.
class Mortal {
 public:
  Mortal() {
    EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0);
    process_ = ::fork();
    if (process_ == 0) {
      ::close(ends_[1]);
      char nothing = 0;
      (void)!::read(ends_[0], &nothing, 1);
      ::_exit(0);
    }
    ::close(ends_[0]);
  }
  ~Mortal() { ::waitpid(process_, nullptr, 0); }

  int number() const { return process_; }
  void End() const {
    ::close(ends_[1]);
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOWAIT);
  }

 private:
  std::array<int, 2> ends_{};
  pid_t process_ = -1;
};

TEST_F(KqueueShimTest, TellsOnceOfTheEndOfAProcess) {
  const Mortal mortal;
  kernel_.Submit(mortal.number(), EVFILT_PROC, EV_ADD, NOTE_EXIT);
  EXPECT_EQ(kernel_.Poll(), "");

  mortal.End();

  EXPECT_EQ(kernel_.Wait(), "PROC 0x80000000");
  EXPECT_EQ(kernel_.Poll(), "");
  EXPECT_EQ(
      kernel_.Submit(mortal.number(), EVFILT_PROC, EV_DELETE | EV_RECEIPT),
      "ENOENT");
}

TEST_F(KqueueShimTest, KnowsNoProcessThatHasEnded) {
  const Mortal mortal;
  mortal.End();

  EXPECT_EQ(kernel_.Submit({{mortal.number(), EVFILT_PROC, EV_ADD | EV_RECEIPT,
                             NOTE_EXIT}}),
            "PROC:ESRCH");
}

TEST_F(KqueueShimTest, CanSplitBatches) {
  for (const int ident : {1, 2, 3}) {
    kernel_.Submit(ident, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_TRIGGER);
  }
  SetKnobs({.largest_batch = 2});
  EXPECT_EQ(kernel_.Poll(), "USER 0x0, USER 0x0");
  EXPECT_EQ(kernel_.Poll(), "USER 0x0");
}

// The idents of ten triggered events, in the order in which they come.
std::vector<std::uintptr_t> OrderWithSeed(std::uint64_t seed) {
  SetKnobs({.seed = seed});
  Dialogue kernel;
  for (int ident = 0; ident < 10; ++ident) {
    kernel.Submit(ident, EVFILT_USER, EV_ADD | EV_CLEAR, NOTE_TRIGGER);
  }
  std::array<KernelEvent, 10> events;
  EXPECT_EQ(::kevent(kernel.queue, nullptr, 0, events.data(), 10, nullptr), 10);
  std::vector<std::uintptr_t> order;
  for (const KernelEvent& event : events) order.push_back(event.ident);
  return order;
}

TEST_F(KqueueShimTest, ShufflesEventsBySeed) {
  EXPECT_EQ(OrderWithSeed(7), OrderWithSeed(7));
  EXPECT_NE(OrderWithSeed(7), OrderWithSeed(8));
}

}  // namespace
}  // namespace weft::kqueue_shim
