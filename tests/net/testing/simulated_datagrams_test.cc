// Tests of datagrams over a simulated network: their calls, as a UDP socket
// makes them, and what the links do to them.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/simulated_datagrams.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/testing/simulated_network.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"
#include "weft/runtime/testing/simulator.h"

namespace weft::net::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::weft::reactor::CountedMessage;
using ::weft::reactor::Fd;

constexpr absl::Duration kLatency = absl::Milliseconds(10);

// A socket that is bound to an address, and so to the host of that address; or
// to none.
class Party {
 public:
  explicit Party(SimulatedNetwork& network)
      : network_(network),
        fd_(network.socket(AF_INET, SOCK_DGRAM, 0), network) {}
  Party(SimulatedNetwork& network, std::string_view address)
      : network_(network),
        address_(*Address::Parse(address)),
        fd_(network.socket(AF_INET, SOCK_DGRAM, 0), network) {
    const Address::SystemForm form = address_.ToSystem();
    EXPECT_EQ(network_.bind(fd(), form.get(), form.size()), 0);
  }

  int fd() const { return fd_.get(); }
  const Address& address() const { return address_; }

  int Connect(const Party& peer) {
    const Address::SystemForm form = peer.address().ToSystem();
    return network_.connect(fd(), form.get(), form.size());
  }
  int Disconnect() {
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    return network_.connect(fd(), &nobody, sizeof(nobody));
  }
  // What the socket calls itself by now.
  Address Name() {
    Address::SystemForm form;
    EXPECT_EQ(network_.getsockname(fd(), form.get(), form.size_to_fill()), 0);
    return *Address::FromSystem(form);
  }
  ssize_t SendTo(const Address& to, std::string_view text) {
    Address::SystemForm form = to.ToSystem();
    iovec part = {const_cast<char*>(text.data()), text.size()};
    msghdr message{};
    message.msg_name = form.get();
    message.msg_namelen = form.size();
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    return network_.sendmsg(fd(), &message, 0);
  }
  ssize_t Send(std::string_view text) {
    return network_.send(fd(), text.data(), text.size(), 0);
  }
  // All that has come.
  std::vector<std::string> Received() {
    std::vector<std::string> texts;
    std::array<char, 2048> buffer;
    for (;;) {
      const ssize_t got = network_.recv(fd(), buffer.data(), buffer.size(), 0);
      if (got < 0) return texts;
      texts.emplace_back(buffer.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  SimulatedNetwork& network_;
  const Address address_;
  Fd fd_;
};

class SimulatedDatagramsTest : public ::testing::Test {
 protected:
  // Sends the numbers from 0 on, and gives those that come.
  std::vector<int> SendMany(int count) {
    for (int i = 0; i < count; ++i) {
      here_.SendTo(there_.address(), absl::StrCat(i));
      sim_.RunFor(absl::Milliseconds(1));
    }
    sim_.RunUntilIdle();
    std::vector<int> numbers;
    for (const std::string& text : there_.Received()) {
      EXPECT_TRUE(absl::SimpleAtoi(text, &numbers.emplace_back()));
    }
    return numbers;
  }

  SimulatedNetwork network_{{.seed = 1, .links = {.latency = kLatency}}};
  weft::testing::Simulator sim_{{.system = &network_}};
  Party here_{network_, "10.0.0.1:1000"};
  Party there_{network_, "10.0.0.2:2000"};
};

TEST_F(SimulatedDatagramsTest, ArriveAfterTheLatencyAndNotBefore) {
  EXPECT_EQ(here_.SendTo(there_.address(), "hello"), 5);

  sim_.RunFor(kLatency - absl::Nanoseconds(1));
  const std::vector<std::string> early = there_.Received();
  sim_.RunFor(absl::Nanoseconds(1));

  EXPECT_THAT(early, IsEmpty());
  EXPECT_THAT(there_.Received(), ElementsAre("hello"));
}

TEST_F(SimulatedDatagramsTest, KeepTheirBoundsAndMayBeEmpty) {
  here_.SendTo(there_.address(), "one");
  here_.SendTo(there_.address(), "");
  here_.SendTo(there_.address(), "three");

  sim_.RunUntilIdle();

  EXPECT_THAT(there_.Received(), ElementsAre("one", "", "three"));
}

TEST_F(SimulatedDatagramsTest, ArriveTwiceWhereTheLinkDoublesThem) {
  network_.SetLinks({.latency = kLatency, .duplicate = 1});
  here_.SendTo(there_.address(), "twice");

  sim_.RunUntilIdle();

  EXPECT_THAT(there_.Received(), ElementsAre("twice", "twice"));
}

TEST_F(SimulatedDatagramsTest, ArriveTwiceNowAndThenAsTheSeedSays) {
  network_.SetLinks({.latency = kLatency, .duplicate = 0.2});

  const std::vector<int> numbers = SendMany(1000);
  const std::set<int> different(numbers.begin(), numbers.end());

  EXPECT_THAT(different, SizeIs(1000));
  EXPECT_THAT(numbers.size(),
              ::testing::AllOf(::testing::Gt(1150u), ::testing::Lt(1250u)));
}

TEST_F(SimulatedDatagramsTest, AreLostInAPartitionOfTheirWayOnly) {
  network_.PartitionOneWay("10.0.0.1", "10.0.0.2");
  here_.SendTo(there_.address(), "there");
  there_.SendTo(here_.address(), "back");

  sim_.RunUntilIdle();

  EXPECT_THAT(there_.Received(), IsEmpty());
  EXPECT_THAT(here_.Received(), ElementsAre("back"));
}

TEST_F(SimulatedDatagramsTest, SayWhoSentThemAndThatTheyWereCut) {
  here_.SendTo(there_.address(), "a long message");
  sim_.RunUntilIdle();
  std::array<char, 6> room;
  iovec part = {room.data(), room.size()};
  Address::SystemForm from;
  msghdr message{};
  message.msg_name = from.get();
  message.msg_namelen = from.size();
  message.msg_iov = &part;
  message.msg_iovlen = 1;

  const ssize_t got = network_.recvmsg(there_.fd(), &message, 0);
  *from.size_to_fill() = message.msg_namelen;

  EXPECT_EQ(got, 6);
  EXPECT_NE(message.msg_flags & MSG_TRUNC, 0);
  EXPECT_EQ(*Address::FromSystem(from), here_.address());
  EXPECT_THAT(there_.Received(), IsEmpty());  // The rest is gone.
}

TEST_F(SimulatedDatagramsTest, AreSentAndReceivedSeveralAtATime) {
  ASSERT_EQ(here_.Connect(there_), 0);
  std::array<char, 3> out = {'a', 'b', 'c'};
  std::array<char, 3> in = {};
  std::array<iovec, 6> parts;
  std::array<CountedMessage, 3> sent;
  std::array<CountedMessage, 3> received;
  for (std::size_t i = 0; i < 3; ++i) {
    parts[i] = {&out[i], 1};
    parts[3 + i] = {&in[i], 1};
    sent[i].header.msg_iov = &parts[i];
    received[i].header.msg_iov = &parts[3 + i];
    sent[i].header.msg_iovlen = received[i].header.msg_iovlen = 1;
  }

  const int first = network_.sendmmsg(here_.fd(), sent.data(), 2, 0);
  sim_.RunUntilIdle();
  const int got = network_.recvmmsg(there_.fd(), received.data(), 3, 0);

  EXPECT_EQ(first, 2);
  EXPECT_EQ(got, 2);
  EXPECT_EQ(received[1].length, 1u);
  EXPECT_THAT(in, ElementsAre('a', 'b', '\0'));
}

TEST_F(SimulatedDatagramsTest, TellAConnectedSenderThatNobodyIsThere) {
  Party nobody(network_, "10.0.0.3:3000");
  ASSERT_EQ(here_.Connect(nobody), 0);
  network_.Crash("10.0.0.3");
  EXPECT_EQ(here_.Send("hello?"), 6);

  sim_.RunUntilIdle();

  EXPECT_EQ(here_.Send("hello?"), -1);
  EXPECT_EQ(errno, ECONNREFUSED);
}

TEST_F(SimulatedDatagramsTest, ReachAConnectedSocketFromItsPeerOnly) {
  Party stranger(network_, "10.0.0.3:3000");
  ASSERT_EQ(there_.Connect(here_), 0);

  stranger.SendTo(there_.address(), "psst");
  here_.SendTo(there_.address(), "hello");
  sim_.RunUntilIdle();

  EXPECT_THAT(there_.Received(), ElementsAre("hello"));
}

TEST_F(SimulatedDatagramsTest, ReachADisconnectedSocketAtTheNameItWasBoundTo) {
  Party any(network_, "0.0.0.0:3000");
  for (Party* const party : {&any, &there_}) {
    ASSERT_EQ(party->Connect(here_), 0);
    ASSERT_EQ(party->Connect(*party), 0);  // To another peer.
    ASSERT_EQ(party->Disconnect(), 0);
    ASSERT_EQ(party->Disconnect(), 0);

    EXPECT_EQ(party->Name(), party->address());
  }
}

TEST_F(SimulatedDatagramsTest, ReachADisconnectedSocketAtAnyNameIfItHasNone) {
  Party unbound(network_);
  ASSERT_EQ(unbound.Connect(there_), 0);
  const Address connected = unbound.Name();
  ASSERT_EQ(unbound.Disconnect(), 0);

  unbound.SendTo(Address::Loopback(connected.port()), "to myself");
  there_.SendTo(connected, "to you");
  sim_.RunUntilIdle();

  EXPECT_EQ(unbound.Name(), Address::Any(connected.port()));
  EXPECT_THAT(unbound.Received(), ElementsAre("to myself", "to you"));
}

TEST_F(SimulatedDatagramsTest, AreLostAsOftenAsTheLinkSays) {
  network_.SetLinks({.latency = kLatency, .loss = 0.25});

  const std::vector<int> numbers = SendMany(1000);

  EXPECT_GT(numbers.size(), 700u);
  EXPECT_LT(numbers.size(), 800u);
}

TEST_F(SimulatedDatagramsTest, AreOvertakenWhereTheLinkReorders) {
  network_.SetLinks({.latency = kLatency, .reorder = 0.1});

  const std::vector<int> numbers = SendMany(1000);

  EXPECT_THAT(numbers, SizeIs(1000));
  EXPECT_FALSE(std::is_sorted(numbers.begin(), numbers.end()));
  EXPECT_THAT(std::set<int>(numbers.begin(), numbers.end()), SizeIs(1000));
}

TEST_F(SimulatedDatagramsTest, AreLostInAPartition) {
  here_.SendTo(there_.address(), "on its way");
  network_.Partition("10.0.0.1", "10.0.0.2");
  here_.SendTo(there_.address(), "too late");
  sim_.RunFor(absl::Seconds(1));

  network_.Heal("10.0.0.1", "10.0.0.2");
  here_.SendTo(there_.address(), "again");
  sim_.RunUntilIdle();

  EXPECT_THAT(there_.Received(), ElementsAre("again"));
}

TEST_F(SimulatedDatagramsTest, AreLostWhereTheReceiverHasNoRoom) {
  const int room = 4096;
  ASSERT_EQ(network_.setsockopt(there_.fd(), SOL_SOCKET, SO_RCVBUF, &room,
                                sizeof(room)),
            0);
  const std::string kilobyte(1024, 'x');
  for (int i = 0; i < 10; ++i) here_.SendTo(there_.address(), kilobyte);

  sim_.RunUntilIdle();

  EXPECT_THAT(there_.Received(), SizeIs(3));
}

TEST_F(SimulatedDatagramsTest, WaitOnTheirHostForASlowLink) {
  network_.SetLinks({.bytes_per_second = 1'000});
  const int room = 2048;
  ASSERT_EQ(network_.setsockopt(here_.fd(), SOL_SOCKET, SO_SNDBUF, &room,
                                sizeof(room)),
            0);
  const std::string kilobyte(1000, 'x');

  EXPECT_EQ(here_.SendTo(there_.address(), kilobyte), 1000);
  EXPECT_EQ(here_.SendTo(there_.address(), kilobyte), 1000);
  EXPECT_EQ(here_.SendTo(there_.address(), kilobyte), -1);
  EXPECT_EQ(errno, EAGAIN);
  sim_.RunFor(absl::Seconds(1));
  EXPECT_EQ(here_.SendTo(there_.address(), kilobyte), 1000);
}

TEST_F(SimulatedDatagramsTest, ComeFromNoGroup) {
  const group_req group{};
  const group_source_req source{};

  for (const int level : {IPPROTO_IP, IPPROTO_IPV6}) {
    EXPECT_EQ(network_.setsockopt(here_.fd(), level, MCAST_JOIN_GROUP, &group,
                                  sizeof(group)),
              -1);
    EXPECT_EQ(errno, ENOPROTOOPT);
    EXPECT_EQ(network_.setsockopt(here_.fd(), level, MCAST_JOIN_SOURCE_GROUP,
                                  &source, sizeof(source)),
              -1);
    EXPECT_EQ(errno, ENOPROTOOPT);
  }
}

TEST_F(SimulatedDatagramsTest, AreNotLongerThanUdpAllows) {
  EXPECT_EQ(here_.SendTo(there_.address(), std::string(65'507, 'x')), 65'507);
  EXPECT_EQ(here_.SendTo(there_.address(), std::string(65'508, 'x')), -1);
  EXPECT_EQ(errno, EMSGSIZE);
}

}  // namespace
}  // namespace weft::net::testing
