// The contract of weft::reactor::Poller, for whichever poller is built: what it
// reports of a descriptor. These files name no system, and every test holds for
// epoll and kqueue alike:
//
//     poller_test.cc                 what is reported
//     poller_registration_test.cc    adding, removing, and what is refused
//     poller_wait_test.cc            batches, and how long a wait lasts
//     poller_wake_test.cc            waking, and other threads
//     poller_signal_test.cc          signals as events
//     poller_process_test.cc         the ends of processes as events
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/poller.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"
#include "weft/tests/reactor/bare_sockets.h"
#include "weft/tests/reactor/poller_fixture.h"

namespace weft::reactor {
namespace {

using ::testing::IsEmpty;

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

}  // namespace
}  // namespace weft::reactor
