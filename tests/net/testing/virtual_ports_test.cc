// Tests of the ports of a simulated network: who may have one, who gets what
// comes to it.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/virtual_ports.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <string_view>

#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/testing/simulated_network.h"
#include "weft/reactor/fd.h"

namespace weft::net::testing {
namespace {

using ::weft::reactor::Fd;

class VirtualPortsTest : public ::testing::Test {
 protected:
  Fd Socket(int type = SOCK_STREAM) {
    return Fd(network_.socket(AF_INET, type, 0), network_);
  }
  // 0, or why not.
  int Bind(const Fd& socket, std::string_view address) {
    const Address::SystemForm form = Address::Parse(address)->ToSystem();
    return network_.bind(socket.get(), form.get(), form.size()) == 0 ? 0
                                                                     : errno;
  }
  int Listen(const Fd& socket) {
    return network_.listen(socket.get(), 10) == 0 ? 0 : errno;
  }
  void Allow(const Fd& socket, int option) {
    const int yes = 1;
    network_.setsockopt(socket.get(), SOL_SOCKET, option, &yes, sizeof(yes));
  }
  std::uint16_t PortOf(const Fd& socket) {
    Address::SystemForm form;
    network_.getsockname(socket.get(), form.get(), form.size_to_fill());
    return Address::FromSystem(form)->port();
  }

  SimulatedNetwork network_;
};

TEST_F(VirtualPortsTest, GoToOneSocketEach) {
  const Fd first = Socket();
  const Fd second = Socket();
  const Fd elsewhere = Socket();
  const Fd other_kind = Socket(SOCK_DGRAM);

  EXPECT_EQ(Bind(first, "10.0.0.1:80"), 0);
  EXPECT_EQ(Bind(second, "10.0.0.1:80"), EADDRINUSE);
  EXPECT_EQ(Bind(elsewhere, "10.0.0.2:80"), 0);
  EXPECT_EQ(Bind(other_kind, "10.0.0.1:80"), 0);
}

TEST_F(VirtualPortsTest, AreTakenAsAWholeByTheAnyAddress) {
  const Fd any = Socket();
  const Fd loopback = Socket();

  EXPECT_EQ(Bind(any, "0.0.0.0:80"), 0);
  EXPECT_EQ(Bind(loopback, "127.0.0.1:80"), EADDRINUSE);
}

TEST_F(VirtualPortsTest, AreFreeAgainWhenTheSocketIsClosed) {
  Fd first = Socket();
  const Fd second = Socket();
  ASSERT_EQ(Bind(first, "10.0.0.1:80"), 0);

  EXPECT_TRUE(first.Close().ok());

  EXPECT_EQ(Bind(second, "10.0.0.1:80"), 0);
}

TEST_F(VirtualPortsTest, AreSharedBySeveralWhoAllAskForIt) {
  const Fd first = Socket();
  const Fd second = Socket();
  const Fd alone = Socket();
  Allow(first, SO_REUSEPORT);
  Allow(second, SO_REUSEPORT);

  EXPECT_EQ(Bind(first, "10.0.0.1:80"), 0);
  EXPECT_EQ(Bind(second, "10.0.0.1:80"), 0);
  EXPECT_EQ(Bind(alone, "10.0.0.1:80"), EADDRINUSE);
  EXPECT_EQ(Listen(first), 0);
  EXPECT_EQ(Listen(second), 0);
}

TEST_F(VirtualPortsTest, AreReusedUntilOneListens) {
  const Fd first = Socket();
  const Fd second = Socket();
  const Fd third = Socket();
  for (const Fd* const socket : {&first, &second, &third}) {
    Allow(*socket, SO_REUSEADDR);
  }

  EXPECT_EQ(Bind(first, "10.0.0.1:80"), 0);
  EXPECT_EQ(Bind(second, "10.0.0.1:80"), 0);
  EXPECT_EQ(Listen(first), 0);
  EXPECT_EQ(Listen(second), EADDRINUSE);
  EXPECT_EQ(Bind(third, "10.0.0.1:80"), EADDRINUSE);
}

TEST_F(VirtualPortsTest, AreGivenToWhoAsksForAny) {
  const Fd first = Socket();
  const Fd second = Socket();

  EXPECT_EQ(Bind(first, "10.0.0.1:0"), 0);
  EXPECT_EQ(Bind(second, "10.0.0.1:0"), 0);

  EXPECT_GE(PortOf(first), 49152);
  EXPECT_NE(PortOf(first), PortOf(second));
}

}  // namespace
}  // namespace weft::net::testing
