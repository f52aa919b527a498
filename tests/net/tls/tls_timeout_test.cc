// Tests of a TlsStream whose transport has timeouts: each wait of TLS is a wait
// of the transport, and the stream is as good as before when one was too long.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/net/tls/tls_pair.h"

namespace weft::net::tls {
namespace {

using TcpTls = TlsStream<TcpStream>;

constexpr absl::Duration kLimit = absl::Seconds(5);

// Without Nagle's wait for an acknowledgement, which takes real time: the
// virtual one would have jumped to a timeout by then.
Task<absl::StatusOr<TlsPair<TcpStream>>> FreshPair() {
  const Authority authority;
  TcpPair tcp = co_await OrReturn(ConnectPair());
  co_await OrReturn(tcp.client.SetNoDelay(true));
  co_await OrReturn(tcp.server.SetNoDelay(true));
  co_return co_await PairOver(std::move(tcp.client), std::move(tcp.server),
                              ClientOf(authority), ServerOf(authority));
}

TEST(TlsTimeoutTest, EndsAReadAndLeavesTheStreamAsItWas) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    pair.client.transport().SetReadTimeout(kLimit);
    const Instant start = Now();

    const absl::StatusOr<std::string> late = co_await ReadText(pair.client);
    const auto leased = co_await pair.client.ReadSome();
    const absl::Duration took = Now() - start;
    co_await OrReturn(pair.server.WriteAll(Bytes("better late")));
    const std::string text = co_await OrReturn(ReadText(pair.client));

    EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
    EXPECT_TRUE(absl::IsDeadlineExceeded(leased.status()));
    EXPECT_GE(took, 2 * kLimit);
    EXPECT_EQ(text, "better late");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsTimeoutTest, EndsAHandshakeWithAPeerThatSaysNothing) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const Authority authority;
    TcpPair tcp = co_await OrReturn(ConnectPair());
    tcp.server.SetReadTimeout(kLimit);

    const auto late =
        co_await TcpTls::Accept(std::move(tcp.server), ServerOf(authority));

    EXPECT_TRUE(absl::IsDeadlineExceeded(late.status())) << late.status();
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

Task<absl::Status> Drip(TcpTls& stream) {
  for (int i = 0; i < 4; ++i) {
    co_await OrReturn(SleepFor(0.8 * kLimit));
    co_await OrReturn(stream.WriteAll(Bytes("x")));
  }
  co_return absl::OkStatus();
}

TEST(TlsTimeoutTest, CountsEachWaitOfAReadExactlyAnew) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    pair.server.transport().SetReadTimeout(kLimit);
    std::array<std::byte, 4> four;

    auto [dripped, in_time] =
        co_await WhenAll(Drip(pair.client), ReadExactly(pair.server, four));
    const absl::Status late = co_await ReadExactly(pair.server, four);

    EXPECT_EQ(in_time, absl::OkStatus());
    EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
    co_return dripped;
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Writing ----------------------------------------------------------------

// Writes until it is too late, and counts what was taken.
Task<absl::Status> FillUp(TcpTls& stream, std::size_t& taken) {
  const std::vector<std::byte> much(100'000, std::byte{'x'});
  for (;;) {
    taken += co_await OrReturn(stream.Write(much));
  }
}

Task<absl::Status> EndWith(TcpTls& stream, std::string last) {
  co_await OrReturn(stream.WriteAll(Bytes(last)));
  co_return co_await stream.Shutdown();
}

// What the last Write has taken is still to be sent, and goes first.
TEST(TlsTimeoutTest, EndsAWriteAndLosesNothingOfWhatItHasTaken) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    pair.client.transport().SetWriteTimeout(kLimit);
    std::size_t taken = 0;

    const absl::Status late = co_await FillUp(pair.client, taken);
    auto [ended, all] =
        co_await WhenAll(EndWith(pair.client, "!"), ReadAll(pair.server));
    const std::vector<std::byte> got = co_await OrReturn(std::move(all));

    EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
    EXPECT_EQ(ended, absl::OkStatus());
    EXPECT_EQ(got.size(), taken + 1);
    EXPECT_EQ(got.back(), std::byte{'!'});
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsTimeoutTest, EndsAWriteAllAfterOneWait) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    pair.client.transport().SetWriteTimeout(kLimit);
    const std::vector<std::byte> more_than_fits(50'000'000);
    const Instant start = Now();

    const absl::Status late = co_await pair.client.WriteAll(more_than_fits);
    const absl::Duration took = Now() - start;

    EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
    EXPECT_LT(took, 2 * kLimit);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- The end ----------------------------------------------------------------

TEST(TlsTimeoutTest, IsNotTheReasonWhereTheTransportIsClosedFirst) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(FreshPair());
    pair.client.transport().SetReadTimeout(kLimit);
    auto reader = Spawn(ReadText<TcpTls>, std::ref(pair.client));
    co_await OrReturn(SleepFor(absl::Seconds(1)));

    pair.client.transport().Close();
    const absl::StatusOr<std::string> closed = co_await reader.Join();
    const auto written = co_await pair.client.Write(Bytes("x"));

    EXPECT_TRUE(absl::IsFailedPrecondition(closed.status()));
    EXPECT_TRUE(absl::IsFailedPrecondition(written.status()));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net::tls
