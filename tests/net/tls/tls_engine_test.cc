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
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/net/tls/tls_context.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/tls/bare_client.h"
#include "weft/tests/net/tls/bare_server.h"
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

  static void ShakeHands(BareClient& client, TlsEngine& server) {
    for (bool done = false; !done;) {
      done = client.ShakeHands();
      while (const std::size_t count = client.Give(server.InputRoom())) {
        server.AddInput(count);
      }
      server.GiveRoomBack();
      static_cast<void>(server.Handshake());
      const std::span<const std::byte> answer = server.Output();
      client.Take(answer);
      server.Sent(answer.size());
    }
  }

  // The same for a Read, as a transport does that has it all.
  static std::size_t Give(TlsEngine& from, std::span<std::byte> into) {
    const std::span<const std::byte> output = from.Output();
    const std::size_t count = std::min(output.size(), into.size());
    std::ranges::copy(output.first(count), into.begin());
    from.Sent(count);
    return count;
  }

  static absl::StatusOr<std::size_t> Write(TlsEngine& engine,
                                           std::span<const std::byte> bytes,
                                           CipherSink sink = TakeNothing) {
    return *engine.Write(ByteParts(&bytes, 1), sink);
  }
  // Whether it writes nothing, for want of input.
  static bool WritesNothing(TlsEngine& engine) {
    const std::vector<std::byte> text(1);
    const std::span<const std::byte> bytes = text;
    return !engine.Write(ByteParts(&bytes, 1)).has_value();
  }
  static void Take(TlsEngine& engine, std::span<const std::byte> bytes) {
    std::ranges::copy(bytes, engine.InputRoom().begin());
    engine.AddInput(bytes.size());
  }

  // The records in which the server's tickets come, of which none has been
  // taken.
  static std::vector<std::vector<std::byte>> ShakeHands(TlsEngine& client,
                                                        BareServer& server) {
    while (!server.ShakeHands()) {
      for (const auto& record : server.GiveRecords()) {
        Take(client, record);
        static_cast<void>(client.Handshake());
      }
      static_cast<void>(client.Handshake());
      Carry(client, server);
    }
    return server.GiveRecords();
  }
  static void Carry(TlsEngine& from, BareServer& to) {
    to.Take(from.Output());
    from.Sent(from.Output().size());
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

TEST_F(TlsEngineTest, ASmallRecordThatIsCutShortCostsLittle) {
  ShakeHands();
  ASSERT_TRUE(Write(*client_, std::vector<std::byte>(99)).ok());

  const std::span<std::byte> room = server_->InputRoom();
  std::ranges::copy(client_->Output().first(50), room.begin());
  server_->AddInput(50);
  EXPECT_EQ(Read(*server_), "(wants input)");

  EXPECT_EQ(server_->InputRoom().size(), 1024u);
}

// --- A transport that is asked ----------------------------------------------

TEST_F(TlsEngineTest, TakesARecordFromTheTransportByOneQuestion) {
  ShakeHands();
  ASSERT_TRUE(Write(*client_, std::vector<std::byte>(16384)).ok());
  std::vector<std::byte> buffer(16384);
  int questions = 0;

  const auto got = server_->Read(buffer, [&](std::span<std::byte> into) {
    ++questions;
    return Give(*client_, into);
  });

  EXPECT_EQ(got->value(), 16384u);
  EXPECT_EQ(questions, 1);
}

TEST_F(TlsEngineTest, TakesTheInputBeforeItAsksTheTransport) {
  ShakeHands();
  ASSERT_TRUE(Write(*client_, std::vector<std::byte>(60'000)).ok());
  const std::span<std::byte> room = server_->InputRoom();
  server_->AddInput(Give(*client_, room));
  std::vector<std::byte> buffer(16384);

  const auto got = server_->Read(
      buffer, [&](std::span<std::byte> into) { return Give(*client_, into); });

  EXPECT_EQ(got->value(), 16384u);
  // Though the last was filled.
  EXPECT_EQ(server_->InputRoom().size(), 1024u);
}

TEST_F(TlsEngineTest, OffersARecordToTheTransport) {
  ShakeHands();
  const std::vector<std::byte> record(16384);
  std::size_t offered = 0;

  const auto taken =
      Write(*client_, record, [&](std::span<const std::byte> bytes) {
        return offered += bytes.size();
      });

  EXPECT_EQ(*taken, 16384u);
  EXPECT_GT(offered, 16384u);
  EXPECT_FALSE(client_->has_output());
}

TEST_F(TlsEngineTest, KeepsWhatTheTransportDoesNotTake) {
  ShakeHands();
  std::vector<std::byte> half;

  const auto taken =
      Write(*client_, Bytes("text"), [&](std::span<const std::byte> bytes) {
        half.assign(bytes.begin(), bytes.begin() + 10);
        return half.size();
      });
  std::ranges::copy(half, server_->InputRoom().begin());
  server_->AddInput(half.size());
  Carry(*client_, *server_);

  EXPECT_EQ(*taken, 4u);
  EXPECT_EQ(Read(*server_), "text");
}

TEST_F(TlsEngineTest, OffersNothingBeforeWhatIsLeftOfEarlierOutput) {
  ShakeHands();
  ASSERT_TRUE(Write(*client_, Bytes("first")).ok());
  int offers = 0;
  const auto take_all = [&](std::span<const std::byte> bytes) {
    ++offers;
    return bytes.size();
  };

  ASSERT_TRUE(Write(*client_, Bytes("second"), take_all).ok());
  client_->Sent(client_->Output().size() - 1);  // Being sent, and not all.
  ASSERT_TRUE(Write(*client_, Bytes("third"), take_all).ok());

  EXPECT_EQ(offers, 0);
}

TEST_F(TlsEngineTest, SendsSeveralRecordsByOneCall) {
  ShakeHands();
  const std::vector<std::byte> large(40'000);
  int offers = 0;

  const auto taken =
      Write(*client_, large, [&](std::span<const std::byte> bytes) {
        ++offers;
        return bytes.size();
      });

  EXPECT_EQ(*taken, 40'000u);
  EXPECT_EQ(offers, 0);
  EXPECT_GT(client_->Output().size(), 40'000u);
}

// A peer of bare OpenSSL, since an engine does not send what is no text.
TEST_F(TlsEngineTest, AReadAsksForTwoRecordsAtMost) {
  BareClient client(ClientOf(authority_));
  ShakeHands(client, *server_);
  client.ChangeKeys(/*times=*/3000);
  std::size_t given = 0;
  std::array<std::byte, 100> buffer;

  const auto got = server_->Read(buffer, [&](std::span<std::byte> into) {
    const std::size_t count = client.Give(into);
    given += count;
    return count;
  });

  EXPECT_FALSE(got.has_value());
  EXPECT_GT(given, 16384u);
  EXPECT_LE(given, 2u * 16640u);
}

// A reader on another thread may look before it is sent.
TEST_F(TlsEngineTest, TakesWhatIsWrittenForNoBacklogOfAnswers) {
  ShakeHands();
  const std::vector<std::byte> large(65536);

  ASSERT_TRUE(Write(*client_, large).ok());

  EXPECT_TRUE(client_->has_output());
  EXPECT_FALSE(client_->is_backlogged());
}

// --- In the midst of a message ----------------------------------------------

TEST_F(TlsEngineTest, WritesBehindATicketThatComesInPieces) {
  BareServer server(ServerOf(authority_));
  const auto tickets = ShakeHands(*client_, server);
  ASSERT_GT(tickets.size(), 2u);

  Take(*client_, tickets.front());
  EXPECT_EQ(Read(*client_), "(wants input)");
  EXPECT_TRUE(WritesNothing(*client_));
  EXPECT_EQ(client_->EndMessage(), std::nullopt);
  EXPECT_EQ(client_->Close(), std::nullopt);
  for (std::size_t i = 1; i < tickets.size(); ++i) {
    Take(*client_, tickets[i]);
    static_cast<void>(client_->EndMessage());
  }

  EXPECT_EQ(*Write(*client_, Bytes("x")), 1u);
  Carry(*client_, server);
  EXPECT_EQ(server.Read(), "x");
  EXPECT_EQ(client_->Close(), absl::OkStatus());
}

TEST_F(TlsEngineTest, WritesNoMoreWhereTheInputEndedInATicket) {
  BareServer server(ServerOf(authority_));
  const auto tickets = ShakeHands(*client_, server);

  Take(*client_, tickets.front());
  EXPECT_EQ(Read(*client_), "(wants input)");
  Take(*client_, {});

  EXPECT_EQ(Write(*client_, Bytes("x")).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(client_->Close()->code(), absl::StatusCode::kUnavailable);
}

// --- The end ----------------------------------------------------------------

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
