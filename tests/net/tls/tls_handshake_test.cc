// Tests of the handshake: who is let in, who is not and why, and what the two
// agree on.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/byte_pipe.h"
#include "weft/net/memory_stream.h"
#include "weft/net/stream.h"
#include "weft/net/tls/openssl_pointers.h"
#include "weft/net/tls/tls_context.h"
#include "weft/net/tls/tls_stream.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/tls/bare_client.h"
#include "weft/tests/net/tls/certificates.h"
#include "weft/tests/net/tls/tls_pair.h"

namespace weft::net::tls {
namespace {

using ::absl::StatusCode;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string MessageOf(const absl::Status& status) {
  return std::string(status.message());
}

// How a handshake in memory ends.
Handshaken<MemoryStream> Shake(const TlsContext& client,
                               const TlsContext& server,
                               const TlsClientOptions& options = "localhost") {
  testing::Simulator sim;
  auto [one, other] = MakeMemoryPipe();
  return *sim.Run(Handshake<MemoryStream>(std::move(one), std::move(other),
                                          client, server, options));
}

// The client's and the server's context for an identity that is as `wanted`.
Handshaken<MemoryStream> ShakeWithServer(
    const Wanted& wanted, const TlsClientOptions& options = "localhost") {
  const Authority authority;
  return Shake(
      ClientOf(authority),
      MustMake(TlsContext::Server({.identity = authority.Issue(wanted)})),
      options);
}

// --- Whom a client trusts ---------------------------------------------------

TEST(TlsHandshakeTest, SucceedsOverTcp) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const Authority authority;
    TcpPair tcp = co_await OrReturn(ConnectPair());
    auto pair =
        co_await OrReturn(PairOver(std::move(tcp.client), std::move(tcp.server),
                                   ClientOf(authority), ServerOf(authority)));

    co_await OrReturn(pair.client.WriteAll(Bytes("secret")));
    const std::string text = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(text, "secret");
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsHandshakeTest, TellsWhatTheServerHasShown) {
  const auto done = ShakeWithServer({.subject = "somebody"});

  ASSERT_EQ(done.client.status(), absl::OkStatus());
  const std::optional<TlsCertificate> shown = done.client->peer_certificate();
  ASSERT_TRUE(shown.has_value());
  EXPECT_EQ(shown->subject, "CN=somebody");
  EXPECT_EQ(shown->issuer, "CN=an authority");
  EXPECT_THAT(shown->names, ElementsAre("DNS:localhost", "IP:127.0.0.1"));
  EXPECT_EQ(shown->not_after - shown->not_before, absl::Seconds(3660));
  EXPECT_FALSE(done.server->peer_certificate().has_value());
}

TEST(TlsHandshakeTest, RefusesACertificateForAnotherName) {
  const auto done = ShakeWithServer({.names = "DNS:elsewhere"});

  EXPECT_EQ(done.client.status().code(), StatusCode::kUnauthenticated);
  EXPECT_THAT(MessageOf(done.client.status()),
              ::testing::AllOf(HasSubstr("TLS with \"localhost\""),
                               HasSubstr("certificate verify failed"),
                               HasSubstr("hostname mismatch")));
  EXPECT_EQ(done.server.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(MessageOf(done.server.status()), HasSubstr("the peer says"));
}

TEST(TlsHandshakeTest, ChecksAnAddressAsAnAddress) {
  const auto right = ShakeWithServer({}, "127.0.0.1");
  const auto wrong = ShakeWithServer({}, "127.0.0.2");
  const auto as_name = ShakeWithServer({.names = "DNS:127.0.0.1"}, "127.0.0.1");

  EXPECT_EQ(right.client.status(), absl::OkStatus());
  EXPECT_THAT(MessageOf(wrong.client.status()),
              HasSubstr("IP address mismatch"));
  EXPECT_EQ(as_name.client.status().code(), StatusCode::kUnauthenticated);
}

// RFC 9525 section 2: what is in the subject is for people to read.
TEST(TlsHandshakeTest, DoesNotTakeTheSubjectForAName) {
  const auto none = ShakeWithServer({.subject = "localhost", .names = ""});
  const auto no_host = ShakeWithServer(
      {.subject = "localhost", .names = "email:somebody@localhost"});

  EXPECT_EQ(none.client.status().code(), StatusCode::kUnauthenticated);
  EXPECT_THAT(MessageOf(none.client.status()), HasSubstr("hostname mismatch"));
  EXPECT_EQ(no_host.client.status().code(), StatusCode::kUnauthenticated);
}

TEST(TlsHandshakeTest, RefusesACertificateThatIsTooOldOrTooNew) {
  const auto old = ShakeWithServer({.valid_from = -200, .valid_until = -100});
  const auto early = ShakeWithServer({.valid_from = 3000});

  EXPECT_EQ(old.client.status().code(), StatusCode::kUnauthenticated);
  EXPECT_THAT(MessageOf(old.client.status()), HasSubstr("expired"));
  EXPECT_THAT(MessageOf(early.client.status()), HasSubstr("not yet valid"));
}

TEST(TlsHandshakeTest, RefusesAnAuthorityThatItDoesNotKnow) {
  const Authority known;
  const Authority stranger("a stranger");

  const auto done = Shake(ClientOf(known), ServerOf(stranger));

  EXPECT_EQ(done.client.status().code(), StatusCode::kUnauthenticated);
  EXPECT_THAT(MessageOf(done.client.status()),
              HasSubstr("unable to get local issuer certificate"));
}

TEST(TlsHandshakeTest, TrustsNobodyWithTheSystemsRootsAlone) {
  const Authority authority;

  const auto done = Shake(MustMake(TlsContext::Client()), ServerOf(authority));

  EXPECT_EQ(done.client.status().code(), StatusCode::kUnauthenticated);
}

TEST(TlsHandshakeTest, SkipsVerificationWhereThatIsAskedFor) {
  const Authority authority;
  const TlsContext careless =
      MustMake(TlsContext::Client({.insecure_skip_verification = true}));

  const auto done = Shake(careless, ServerOf(authority), "elsewhere");

  EXPECT_EQ(done.client.status(), absl::OkStatus());
  EXPECT_EQ(done.client->peer_certificate()->subject, "CN=a server");
}

TEST(TlsHandshakeTest, NamesNoServerWithoutAName) {
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."),
        std::string("a\0b", 3), std::string(300, 'a')}) {
    const auto done = ShakeWithServer({}, name);

    EXPECT_EQ(done.client.status().code(), StatusCode::kInvalidArgument)
        << name;
  }
}

// To OpenSSL ".example.com" is whoever is below example.com.
TEST(TlsHandshakeTest, NamesNoServerByWhatManyHave) {
  const auto done =
      ShakeWithServer({.names = "DNS:www.example.com"}, ".example.com");

  EXPECT_EQ(done.client.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(done.client.status()),
              HasSubstr("\".example.com\" names no server"));
}

// --- Whom a server trusts ---------------------------------------------------

TlsContext ServerThatAsks(const Authority& authority, ClientCertificates how) {
  return MustMake(TlsContext::Server({.identity = authority.Issue(),
                                      .client_certificates = how,
                                      .client_roots = authority.root()}));
}

TlsContext ClientWith(const Authority& authority, TlsIdentity identity) {
  return MustMake(TlsContext::Client({.system_roots = false,
                                      .extra_roots = authority.root(),
                                      .identity = std::move(identity)}));
}

TEST(TlsHandshakeTest, LetsAClientProveWhoItIs) {
  const Authority authority;

  const auto done =
      Shake(ClientWith(authority, authority.Issue({.subject = "a client"})),
            ServerThatAsks(authority, ClientCertificates::kRequired));

  ASSERT_EQ(done.server.status(), absl::OkStatus());
  EXPECT_EQ(done.server->peer_certificate()->subject, "CN=a client");
}

TEST(TlsHandshakeTest, RefusesAClientThatDoesNotProveWhoItIs) {
  const Authority authority;
  const Authority stranger("a stranger");

  const auto silent =
      Shake(ClientOf(authority),
            ServerThatAsks(authority, ClientCertificates::kRequired));
  const auto foreign =
      Shake(ClientWith(authority, stranger.Issue()),
            ServerThatAsks(authority, ClientCertificates::kOptional));

  EXPECT_EQ(silent.server.status().code(), StatusCode::kUnauthenticated);
  EXPECT_THAT(MessageOf(silent.server.status()),
              HasSubstr("peer did not return a certificate"));
  EXPECT_EQ(foreign.server.status().code(), StatusCode::kUnauthenticated);
}

TEST(TlsHandshakeTest, LetsAClientStayUnknownWhereItMay) {
  const Authority authority;

  const auto done =
      Shake(ClientOf(authority),
            ServerThatAsks(authority, ClientCertificates::kOptional));

  ASSERT_EQ(done.server.status(), absl::OkStatus());
  EXPECT_FALSE(done.server->peer_certificate().has_value());
}

// In TLS 1.3 the client is done before the server has judged it.
TEST(TlsHandshakeTest, TellsAClientInItsFirstReadThatItWasRefused) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const Authority authority;
    auto [one, other] = MakeMemoryPipe();
    auto done = co_await Handshake<MemoryStream>(
        std::move(one), std::move(other), ClientOf(authority),
        ServerThatAsks(authority, ClientCertificates::kRequired));
    EXPECT_EQ(done.client.status(), absl::OkStatus());
    if (!done.client.ok()) co_return done.client.status();

    auto read = co_await ReadText(*done.client);

    EXPECT_EQ(read.status().code(), StatusCode::kUnavailable);
    EXPECT_THAT(MessageOf(read.status()), HasSubstr("certificate required"));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Versions ---------------------------------------------------------------

TEST(TlsHandshakeTest, SpeaksTheNewestVersionThatBothKnow) {
  const Authority authority;
  const auto done = Shake(ClientOf(authority), ServerOf(authority));

  ASSERT_EQ(done.client.status(), absl::OkStatus());
  EXPECT_EQ(done.client->protocol(), TlsVersion::kTls13);
  EXPECT_EQ(done.server->protocol(), TlsVersion::kTls13);
  EXPECT_EQ(done.client->cipher(), done.server->cipher());
  EXPECT_THAT(done.client->cipher(), HasSubstr("TLS_"));
}

TlsContext OldServerOf(const Authority& authority) {
  return MustMake(TlsContext::Server(
      {.identity = authority.Issue(), .max_version = TlsVersion::kTls12}));
}

TEST(TlsHandshakeTest, SpeaksTheOlderVersionWithWhoKnowsNoOther) {
  const Authority authority;
  const auto done = Shake(ClientOf(authority), OldServerOf(authority));

  ASSERT_EQ(done.client.status(), absl::OkStatus());
  EXPECT_EQ(done.client->protocol(), TlsVersion::kTls12);
  EXPECT_EQ(done.server->protocol(), TlsVersion::kTls12);
}

TEST(TlsHandshakeTest, RefusesAVersionThatIsTooOldForIt) {
  const Authority authority;
  const TlsContext modern =
      MustMake(TlsContext::Client({.system_roots = false,
                                   .extra_roots = authority.root(),
                                   .min_version = TlsVersion::kTls13}));

  const auto done = Shake(modern, OldServerOf(authority));

  EXPECT_EQ(done.client.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(MessageOf(done.client.status()), HasSubstr("protocol version"));
}

// --- ALPN -------------------------------------------------------------------

TEST(TlsHandshakeTest, AgreesOnTheProtocolThatTheServerLikesBest) {
  const Authority authority;
  const TlsContext client =
      MustMake(TlsContext::Client({.system_roots = false,
                                   .extra_roots = authority.root(),
                                   .alpn = {"http/1.1", "other", "h2"}}));
  const TlsContext server = MustMake(TlsContext::Server(
      {.identity = authority.Issue(), .alpn = {"h2", "http/1.1"}}));

  const auto done = Shake(client, server);

  ASSERT_EQ(done.client.status(), absl::OkStatus());
  EXPECT_EQ(done.client->alpn(), "h2");
  EXPECT_EQ(done.server->alpn(), "h2");
}

TEST(TlsHandshakeTest, AgreesOnNoProtocolWhereOneSideOffersNone) {
  const Authority authority;
  const TlsContext server = MustMake(
      TlsContext::Server({.identity = authority.Issue(), .alpn = {"h2"}}));

  const auto done = Shake(ClientOf(authority), server);

  ASSERT_EQ(done.client.status(), absl::OkStatus());
  EXPECT_EQ(done.client->alpn(), "");
}

TEST(TlsHandshakeTest, RefusesAClientWhoseProtocolsItDoesNotSpeak) {
  const Authority authority;
  const TlsContext client =
      MustMake(TlsContext::Client({.system_roots = false,
                                   .extra_roots = authority.root(),
                                   .alpn = {"gopher"}}));
  const TlsContext server = MustMake(
      TlsContext::Server({.identity = authority.Issue(), .alpn = {"h2"}}));

  const auto done = Shake(client, server);

  EXPECT_EQ(done.client.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(MessageOf(done.client.status()),
              HasSubstr("no application protocol"));
  EXPECT_EQ(done.server.status().code(), StatusCode::kUnavailable);
}

// --- SNI --------------------------------------------------------------------

// A server for two names, the second of which asks clients who they are.
TlsContext ServerOfTwo(const Authority& authority) {
  const TlsContext one = MustMake(TlsContext::Server(
      {.identity = authority.Issue({.subject = "1", .names = "DNS:one"}),
       .alpn = {"first"}}));
  const TlsContext two = MustMake(TlsContext::Server(
      {.identity = authority.Issue({.subject = "2", .names = "DNS:two"}),
       .client_certificates = ClientCertificates::kRequired,
       .client_roots = authority.root()}));
  auto choose = [one, two](std::string_view name) -> std::optional<TlsContext> {
    if (name == "one") return one;
    if (name == "two") return two;
    return std::nullopt;
  };
  return MustMake(TlsContext::Server(
      {.identity = authority.Issue(), .choose = std::move(choose)}));
}

TEST(TlsHandshakeTest, ChoosesTheContextByTheNameThatIsAskedFor) {
  const Authority authority;
  const TlsContext client = MustMake(
      TlsContext::Client({.system_roots = false,
                          .extra_roots = authority.root(),
                          .alpn = {"first"},
                          .identity = authority.Issue({.subject = "c"})}));
  const TlsContext server = ServerOfTwo(authority);

  const auto one = Shake(client, server, "one");
  const auto two = Shake(client, server, "two");

  ASSERT_EQ(one.client.status(), absl::OkStatus());
  ASSERT_EQ(two.client.status(), absl::OkStatus());
  EXPECT_EQ(one.client->peer_certificate()->subject, "CN=1");
  EXPECT_EQ(one.client->alpn(), "first");
  EXPECT_FALSE(one.server->peer_certificate().has_value());
  EXPECT_EQ(two.client->peer_certificate()->subject, "CN=2");
  EXPECT_EQ(two.client->alpn(), "");
  EXPECT_EQ(two.server->peer_certificate()->subject, "CN=c");
}

TEST(TlsHandshakeTest, RefusesANameThatIsNotChosen) {
  const Authority authority;

  const auto done = Shake(ClientOf(authority), ServerOfTwo(authority), "three");

  EXPECT_THAT(MessageOf(done.client.status()), HasSubstr("unrecognized name"));
}

// The only groups that the two ends of a connection agree on keys by. (OpenSSL
// keeps them with the context, which ours does not let out.)
void LimitGroups(TlsContext context, const char* groups) {
  const OpensslPointer<SSL> ssl = TlsContext::NewConnection(context);
  EXPECT_EQ(SSL_CTX_set1_groups_list(SSL_get_SSL_CTX(ssl.get()), groups), 1);
}

// The client guesses a group that the server does not take, is asked for
// another (HelloRetryRequest, RFC 8446 section 4.1.4), and says hello again.
TEST(TlsHandshakeTest, ChoosesOnceThoughTheClientSaysHelloTwice) {
  const Authority authority;
  int first = 0;
  int second = 0;
  const TlsContext other = MustMake(TlsContext::Server(
      {.identity = authority.Issue({.subject = "another"})}));
  const TlsContext chosen = MustMake(TlsContext::Server(
      {.identity = authority.Issue({.subject = "the chosen"}),
       .choose = [&second,
                  other](std::string_view) -> std::optional<TlsContext> {
         ++second;
         return other;
       }}));
  const TlsContext server = MustMake(TlsContext::Server(
      {.identity = authority.Issue(),
       .choose = [&first,
                  chosen](std::string_view) -> std::optional<TlsContext> {
         ++first;
         return chosen;
       }}));
  const TlsContext client = ClientOf(authority);
  LimitGroups(client, "P-521:X25519");
  LimitGroups(server, "X25519");

  const auto done = Shake(client, server);

  ASSERT_EQ(done.client.status(), absl::OkStatus());
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 0);
  EXPECT_EQ(done.client->peer_certificate()->subject, "CN=the chosen");
}

// --- Resumption -------------------------------------------------------------

// A connection, whose client reads a byte: then the tickets have come.
Task<absl::StatusOr<MemoryTls>> Visit(TlsContext client, TlsContext server,
                                      TlsClientOptions options) {
  auto pair = co_await OrReturn(MemoryPair(client, server, options));
  co_await OrReturn(pair.server.WriteAll(Bytes("x")));
  co_await OrReturn(ReadText(pair.client));
  co_return std::move(pair.client);
}

absl::StatusOr<MemoryTls> RunVisit(const TlsContext& client,
                                   const TlsContext& server,
                                   const TlsClientOptions& options) {
  testing::Simulator sim;
  return sim.Run(Visit(client, server, options));
}

TEST(TlsHandshakeTest, ResumesASessionOnTheNextConnection) {
  const Authority authority;
  const TlsContext client = ClientOf(authority);
  const TlsContext server = ServerOf(authority);
  TlsClientOptions options("localhost");

  auto first = RunVisit(client, server, options);
  ASSERT_EQ(first.status(), absl::OkStatus());
  options.session = first->session();
  ASSERT_TRUE(options.session.has_value());
  auto second = RunVisit(client, server, options);

  ASSERT_EQ(second.status(), absl::OkStatus());
  EXPECT_FALSE(first->resumed());
  EXPECT_TRUE(second->resumed());
  EXPECT_EQ(second->peer_certificate()->subject, "CN=a server");
}

TEST(TlsHandshakeTest, ResumesASessionOfTheOlderVersion) {
  const Authority authority;
  const TlsContext client = ClientOf(authority);
  const TlsContext server = OldServerOf(authority);
  TlsClientOptions options("localhost");

  options.session = RunVisit(client, server, options)->session();
  auto second = RunVisit(client, server, options);

  ASSERT_EQ(second.status(), absl::OkStatus());
  EXPECT_TRUE(second->resumed());
}

TEST(TlsHandshakeTest, ResumesASessionWhoseConnectionIsGone) {
  const Authority authority;
  const TlsContext client = ClientOf(authority);
  const TlsContext server = ServerOf(authority);
  TlsClientOptions options("localhost");

  options.session = RunVisit(client, server, options)->session();
  auto second = RunVisit(client, server, options);

  ASSERT_EQ(second.status(), absl::OkStatus());
  EXPECT_TRUE(second->resumed());
}

TEST(TlsHandshakeTest, ResumesForTheSameServerAndContextOnly) {
  const Authority authority;
  const TlsContext client = ClientOf(authority);
  const TlsContext server = ServerOf(authority);
  TlsClientOptions elsewhere("127.0.0.1");
  TlsClientOptions here("localhost");

  elsewhere.session = here.session = RunVisit(client, server, here)->session();
  auto other_name = RunVisit(client, server, elsewhere);
  auto other_context = RunVisit(ClientOf(authority), server, here);
  auto other_server = RunVisit(client, ServerOf(authority), here);

  EXPECT_FALSE(other_name->resumed());
  EXPECT_FALSE(other_context->resumed());
  EXPECT_FALSE(other_server->resumed());
}

// Both names are one program's, with one key for its tickets. The client hides
// that it wants to resume by asking for the second name.
TEST(TlsHandshakeTest, DoesNotTakeASessionOfOneNameForAnother) {
  const Authority authority;
  const TlsContext client = MustMake(TlsContext::Client(
      {.alpn = {"first"}, .insecure_skip_verification = true}));
  const TlsContext server = ServerOfTwo(authority);
  auto visit = RunVisit(client, server, "one");
  ASSERT_EQ(visit.status(), absl::OkStatus());
  SSL_SESSION* const session = visit->session()->get();
  SSL_SESSION_up_ref(session);
  SSL_SESSION_set1_hostname(session, "two");
  TlsClientOptions options("two");
  options.session = TlsSession(session, client, "two");

  const auto done = Shake(client, server, options);

  EXPECT_EQ(done.server.status().code(), StatusCode::kUnauthenticated);
}

// --- Accidents --------------------------------------------------------------

TEST(TlsHandshakeTest, RefusesGarbageAndSaysSo) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const Authority authority;
    auto [peer, transport] = MakeMemoryPipe();
    co_await OrReturn(WriteAll(peer, Bytes("GET / HTTP/1.1\r\n\r\n")));

    auto stream =
        co_await MemoryTls::Accept(std::move(transport), ServerOf(authority));

    EXPECT_EQ(stream.status().code(), StatusCode::kUnavailable);
    EXPECT_THAT(MessageOf(stream.status()), HasSubstr("http request"));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsHandshakeTest, EndsWhereThePeerVanishesInTheMiddle) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const Authority authority;
    auto [peer, transport] = MakeMemoryPipe();
    peer.Close();

    auto stream = co_await MemoryTls::Connect(std::move(transport),
                                              ClientOf(authority), "localhost");

    EXPECT_EQ(stream.status().code(), StatusCode::kUnavailable);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST(TlsHandshakeTest, EndsWhereThePeerShutsDownBeforeItSaysAnything) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const Authority authority;
    auto [peer, transport] = MakeMemoryPipe();
    co_await OrReturn(peer.ShutdownWrite());

    auto stream = co_await MemoryTls::Connect(std::move(transport),
                                              ClientOf(authority), "localhost");

    EXPECT_EQ(stream.status().code(), StatusCode::kUnavailable);
    EXPECT_THAT(MessageOf(stream.status()), HasSubstr("in the handshake"));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// Carries what a client of bare OpenSSL has to say, and what it is told.
void SendAll(BareClient& client, MemoryStream& wire) {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t count = client.Give(buffer)) {
    const Tried taken = wire.TryWrite(std::span(buffer).first(count));
    ASSERT_TRUE(taken.has_value() && taken->ok() && **taken == count);
  }
}
void TakeAll(BareClient& client, MemoryStream& wire) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const Tried got = wire.TryRead(buffer);
    if (!got.has_value()) return;
    ASSERT_TRUE(got->ok());
    if (**got == 0) return;
    client.Take(std::span(buffer).first(**got));
  }
}

Task<absl::Status> HearOneRequest(MemoryStream transport, TlsContext context,
                                  std::string& heard, absl::Status& answered) {
  auto stream =
      co_await OrReturn(MemoryTls::Accept(std::move(transport), context));
  heard = co_await OrReturn(ReadText(stream));
  const std::string end = co_await OrReturn(ReadText(stream));
  answered = co_await stream.WriteAll(Bytes("answer"));
  co_return end.empty() ? absl::OkStatus() : absl::InternalError(end);
}

// In TLS 1.3 the tickets are the last that a server sends in the handshake, and
// by then such a client needs none.
TEST(TlsHandshakeTest, HearsAClientThatHasGoneBeforeItTookTheTickets) {
  const Authority authority;
  testing::Simulator sim;
  auto [wire, transport] = MakeMemoryPipe();
  BareClient client(ClientOf(authority));
  std::string heard;
  absl::Status answered;
  auto serving = sim.SpawnJoinable(HearOneRequest(
      std::move(transport), ServerOf(authority), heard, answered));

  EXPECT_FALSE(client.ShakeHands());
  SendAll(client, wire);
  sim.RunUntilIdle();
  TakeAll(client, wire);
  EXPECT_TRUE(client.ShakeHands());
  client.Write("a request");
  client.Close();
  SendAll(client, wire);
  wire.Close();
  sim.RunUntilIdle();

  ASSERT_TRUE(serving.finished());
  EXPECT_EQ(serving.BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(heard, "a request");
  EXPECT_EQ(answered.code(), StatusCode::kUnavailable);
}

Task<absl::Status> AnswerOneRequest(MemoryStream transport,
                                    TlsContext context) {
  auto stream =
      co_await OrReturn(MemoryTls::Accept(std::move(transport), context));
  co_await OrReturn(ReadText(stream));
  const absl::Status told = co_await stream.WriteAll(Bytes("not taken"));
  EXPECT_EQ(told, absl::UnavailableError("for a while"));
  co_return co_await stream.WriteAll(Bytes("answer"));
}

TEST(TlsHandshakeTest, TellsTheFirstWriteAndThenSendsTheRestOfItsTickets) {
  const Authority authority;
  testing::Simulator sim;
  auto there = std::make_shared<BytePipe>(65536);
  auto back = std::make_shared<BytePipe>(65536);
  MemoryStream wire(back, there);
  BareClient client(ClientOf(authority));
  auto serving = sim.SpawnJoinable(
      AnswerOneRequest(MemoryStream(there, back), ServerOf(authority)));

  EXPECT_FALSE(client.ShakeHands());
  SendAll(client, wire);
  sim.RunUntilIdle();
  TakeAll(client, wire);
  EXPECT_TRUE(client.ShakeHands());
  back->FailWritesAfter(100, absl::UnavailableError("for a while"));
  SendAll(client, wire);
  sim.RunUntilIdle();
  EXPECT_FALSE(serving.finished());
  back->FailWritesAfter(BytePipe::kAny, absl::OkStatus());
  client.Write("a request");
  SendAll(client, wire);
  sim.RunUntilIdle();
  TakeAll(client, wire);

  ASSERT_TRUE(serving.finished());
  EXPECT_EQ(serving.BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(client.Read(), "answer");
}

TEST(TlsHandshakeTest, HasADeadlineWhereItIsGivenOne) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    const Authority authority;
    auto [peer, transport] = MakeMemoryPipe();

    auto stream = co_await WithTimeout(
        absl::Seconds(10),
        MemoryTls::Accept(std::move(transport), ServerOf(authority)));

    EXPECT_EQ(stream.status().code(), StatusCode::kDeadlineExceeded);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net::tls
