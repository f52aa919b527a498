// Tests of TlsEngine: two of them, and the test carries what they have to say.
// There is no runtime, since an engine needs none.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/tls_engine.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/tls/certificates.h"

namespace weft::net::tls {
namespace {

class TlsEngineTest : public ::testing::Test {
 protected:
  TlsEngineTest()
      : client_(
            TlsEngine::ForClient(ClientOf(authority_), "localhost").value()),
        server_(TlsEngine::ForServer(ServerOf(authority_)).value()) {}

  // What one has to send, to the other.
  static void Carry(TlsEngine& from, TlsEngine& to) {
    while (from.has_output()) {
      const std::span<const std::byte> output = from.Output();
      const std::span<std::byte> room = to.InputRoom();
      const std::size_t count = std::min(output.size(), room.size());
      std::ranges::copy(output.first(count), room.begin());
      to.AddInput(count);
      from.Sent(count);
    }
  }

  void ShakeHands() {
    std::optional<absl::Status> client;
    std::optional<absl::Status> server;
    for (int i = 0; i < 10 && !(client.has_value() && server.has_value());
         ++i) {
      if (!client.has_value()) client = client_->Handshake();
      Carry(*client_, *server_);
      if (!server.has_value()) server = server_->Handshake();
      Carry(*server_, *client_);
    }
    EXPECT_EQ(client, absl::OkStatus());
    EXPECT_EQ(server, absl::OkStatus());
    // Takes the tickets in.
    EXPECT_EQ(Read(*client_), "(wants input)");
  }

  static absl::StatusOr<std::size_t> Write(TlsEngine& engine,
                                           std::span<const std::byte> bytes) {
    return engine.Write(ByteParts(&bytes, 1));
  }

  static std::string Read(TlsEngine& engine) {
    std::array<std::byte, 100> buffer;
    const auto got = engine.Read(buffer);
    if (!got.has_value()) return "(wants input)";
    if (!got->ok()) return std::string(got->status().message());
    return Text(std::span(buffer).first(**got));
  }

  Authority authority_;
  std::unique_ptr<TlsEngine> client_;
  std::unique_ptr<TlsEngine> server_;
};

TEST_F(TlsEngineTest, CarriesTextBothWays) {
  ShakeHands();

  EXPECT_EQ(*Write(*client_, Bytes("there")), 5u);
  Carry(*client_, *server_);
  EXPECT_EQ(*Write(*server_, Bytes("back")), 4u);
  Carry(*server_, *client_);

  EXPECT_EQ(Read(*server_), "there");
  EXPECT_EQ(Read(*client_), "back");
  EXPECT_EQ(Read(*client_), "(wants input)");
}

TEST_F(TlsEngineTest, TakesAsMuchAsGoesOutAtOnce) {
  ShakeHands();
  const std::vector<std::byte> large(1'000'000);

  const absl::StatusOr<std::size_t> taken = Write(*client_, large);

  EXPECT_EQ(*taken, 65536u);
}

TEST_F(TlsEngineTest, LeavesWhatIsBeingSentWhereItIs) {
  ShakeHands();
  ASSERT_TRUE(Write(*client_, Bytes("first")).ok());
  const std::span<const std::byte> sending = client_->Output();
  const std::string before = Text(sending);

  ASSERT_TRUE(Write(*client_, Bytes("second")).ok());

  EXPECT_EQ(client_->Output().data(), sending.data());
  EXPECT_EQ(Text(sending), before);
  Carry(*client_, *server_);
  EXPECT_EQ(Read(*server_), "first");
  EXPECT_EQ(Read(*server_), "second");
}

TEST_F(TlsEngineTest, AsksForLittleRoomWhileLittleComes) {
  ShakeHands();
  ASSERT_TRUE(Write(*client_, Bytes("little")).ok());
  Carry(*client_, *server_);
  EXPECT_EQ(Read(*server_), "little");

  EXPECT_EQ(server_->InputRoom().size(), 1024u);
}

TEST_F(TlsEngineTest, AsksForMuchRoomWhileMuchComes) {
  ShakeHands();
  const std::vector<std::byte> large(60'000);
  ASSERT_TRUE(Write(*client_, large).ok());

  const std::span<std::byte> little = server_->InputRoom();
  std::ranges::copy(client_->Output().first(little.size()), little.begin());
  server_->AddInput(little.size());

  EXPECT_GE(server_->InputRoom().size(), 32768u);
}

TEST_F(TlsEngineTest, MakesRoomForTheRestOfARecordThatIsCutShort) {
  ShakeHands();
  ASSERT_TRUE(Write(*client_, std::vector<std::byte>(8000)).ok());

  const std::span<std::byte> room = server_->InputRoom();
  std::ranges::copy(client_->Output().first(1000), room.begin());
  server_->AddInput(1000);
  EXPECT_EQ(Read(*server_), "(wants input)");
  const std::size_t room_inside = server_->InputRoom().size();

  EXPECT_GE(room_inside, 7000u);
  EXPECT_LT(room_inside, 8000u);
}

TEST_F(TlsEngineTest, ASmallRecordThatIsCutShortCostsLittle) {
  ShakeHands();
  ASSERT_TRUE(Write(*client_, std::vector<std::byte>(99)).ok());

  const std::span<std::byte> room = server_->InputRoom();
  std::ranges::copy(client_->Output().first(50), room.begin());
  server_->AddInput(50);
  EXPECT_EQ(Read(*server_), "(wants input)");

  EXPECT_EQ(server_->InputRoom().size(), 1024u);
}

TEST_F(TlsEngineTest, HasNothingToSendOfNothing) {
  ShakeHands();

  EXPECT_EQ(*Write(*client_, {}), 0u);

  EXPECT_FALSE(client_->has_output());
  EXPECT_TRUE(client_->Output().empty());
}

TEST_F(TlsEngineTest, SaysItsEndOnce) {
  ShakeHands();

  EXPECT_EQ(client_->Close(), absl::OkStatus());
  EXPECT_TRUE(client_->has_output());
  Carry(*client_, *server_);
  EXPECT_EQ(client_->Close(), absl::OkStatus());

  EXPECT_FALSE(client_->has_output());
  EXPECT_EQ(Read(*server_), "");
  EXPECT_EQ(Write(*client_, Bytes("x")).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace weft::net::tls
