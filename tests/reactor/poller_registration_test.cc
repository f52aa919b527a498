// What a poller watches: descriptors that are added, removed, closed and used
// again, what it refuses, and what it leaves behind. poller_test.cc has the
// rest of the contract.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/poller.h"
#include "weft/reactor/system.h"
#include "weft/tests/reactor/bare_sockets.h"
#include "weft/tests/reactor/poller_fixture.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::reactor {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::weft::testing::OpenDescriptors;

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

}  // namespace
}  // namespace weft::reactor
