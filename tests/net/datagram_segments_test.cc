// Tests of segments: sent as one and received one by one, or as one. They need
// a system that has them, and are skipped on others.
//
// SPDX-License-Identifier: MIT

#include "weft/net/datagram_segments.h"

#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/udp_socket.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/udp_pair.h"

namespace weft::net {
namespace {

Task<absl::Status> AskForSegments(bool& has) {
  UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
  has = co_await OrReturn(socket.SendsSegments());
  const bool coalesces = co_await OrReturn(socket.SetCoalescing(true));
  EXPECT_EQ(coalesces, has);
  co_return absl::OkStatus();
}

class DatagramSegmentsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    bool has = false;
    ASSERT_EQ(Simulate({}, AskForSegments, has), absl::OkStatus());
    if (!has) GTEST_SKIP() << "this system has no segments";
  }
};

TEST_F(DatagramSegmentsTest, ComeOneByOneToWhoDoesNotCoalesce) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    const std::vector<std::byte> bytes = Pattern(350);
    const std::span<const std::byte> all(bytes);
    std::vector<std::byte> received;
    std::vector<std::size_t> sizes;
    std::array<std::byte, 1000> buffer;

    co_await OrReturn(pair.client.SendSegments(all, 100));
    while (received.size() < bytes.size()) {
      const Received got = co_await OrReturn(pair.server.Receive(buffer));
      received.insert(received.end(), buffer.data(), buffer.data() + got.size);
      sizes.push_back(got.size);
    }

    EXPECT_EQ(received, bytes);
    EXPECT_THAT(sizes, ::testing::ElementsAre(100, 100, 100, 50));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(DatagramSegmentsTest, ComeAsOneToWhoCoalescesAndTellTheirLength) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    const std::vector<std::byte> bytes = Pattern(350);
    std::vector<std::byte> buffer(65536);
    const bool coalesces = co_await OrReturn(pair.server.SetCoalescing(true));
    EXPECT_TRUE(coalesces);

    co_await OrReturn(
        pair.client.SendSegmentsTo(bytes, 100, pair.server.local_address()));
    co_await OrReturn(pair.client.Send(Bytes("one")));

    const Datagram many = co_await OrReturn(pair.server.ReceiveFrom(buffer));
    EXPECT_EQ(many.size, 350u);
    EXPECT_EQ(many.segment_size, 100u);
    EXPECT_EQ(many.from, pair.client.local_address());
    EXPECT_EQ(std::vector<std::byte>(buffer.data(), buffer.data() + many.size),
              bytes);
    const Received one = co_await OrReturn(pair.server.Receive(buffer));
    EXPECT_EQ(one.size, 3u);
    EXPECT_EQ(one.segment_size, 0u);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(DatagramSegmentsTest, ComeInBatchesToo) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    co_await OrReturn(pair.server.SetCoalescing(true));
    const std::vector<std::byte> bytes = Pattern(250);
    const std::array<OutgoingDatagram, 2> sent = {
        OutgoingDatagram{.bytes = bytes, .segment_size = 100},
        OutgoingDatagram{.bytes = Bytes("one")}};
    std::vector<std::byte> buffer(2 * 1000);
    std::array<IncomingDatagram, 3> batch;
    batch[0].into = std::span(buffer).first(1000);
    batch[1].into = std::span(buffer).last(1000);

    const std::size_t out = co_await OrReturn(pair.client.SendBatch(sent));
    const std::size_t in = co_await OrReturn(pair.server.ReceiveBatch(batch));

    EXPECT_EQ(out, 2u);
    EXPECT_EQ(in, 2u);
    EXPECT_EQ(batch[0].got.size, 250u);
    EXPECT_EQ(batch[0].got.segment_size, 100u);
    EXPECT_EQ(Text(batch[1].bytes()), "one");
    EXPECT_EQ(batch[1].got.segment_size, 0u);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(DatagramSegmentsTest, ComeOneByOneAgainWhenThatIsSwitchedOff) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    co_await OrReturn(pair.server.SetCoalescing(true));
    co_await OrReturn(pair.server.SetCoalescing(false));

    co_await OrReturn(pair.client.SendSegments(Bytes("onetwo"), 3));

    const std::string one = co_await OrReturn(ReceiveText(pair.server));
    EXPECT_EQ(one, "one");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(DatagramSegmentsTest, AreRefusedWhereTheyAreLongerThanAnyDatagram) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    UdpPair pair = co_await OrReturn(MakeUdpPair());
    const std::array<OutgoingDatagram, 1> batch = {
        OutgoingDatagram{.bytes = Bytes("x"), .segment_size = 1 << 16}};
    const absl::StatusOr<std::size_t> sent =
        co_await pair.client.SendBatch(batch);
    EXPECT_EQ(reactor::ErrnoOf(sent.status()), EMSGSIZE);

    co_return co_await pair.client.SendSegments(Bytes("x"), 1 << 16);
  });

  EXPECT_EQ(reactor::ErrnoOf(status), EMSGSIZE);
}

// A system without segments.
class PlainSystem : public testing::SimulatedSystem {
 public:
  int setsockopt(int fd, int level, int name, const void* value,
                 socklen_t size) override {
    if (level != IPPROTO_UDP) {
      return SimulatedSystem::setsockopt(fd, level, name, value, size);
    }
    errno = ENOPROTOOPT;
    return -1;
  }
};

TEST(NoDatagramSegmentsTest, AreNoErrorToAskFor) {
  PlainSystem system;
  bool has = true;

  const absl::Status status =
      Simulate({.system = &system}, AskForSegments, has);

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_FALSE(has);
}

}  // namespace
}  // namespace weft::net
