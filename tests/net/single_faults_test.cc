// Tests that TCP sessions bear every single fault of the system: whichever call
// fails, and however, they end with what failed, leave nothing open, and have
// neither lost nor doubled a byte.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/single_faults.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/buffered_reader.h"
#include "weft/net/buffered_writer.h"
#include "weft/net/copy_stream.h"
#include "weft/net/resolver.h"
#include "weft/net/server.h"
#include "weft/net/socket_options.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/current.h"
#include "weft/runtime/error_group.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/echo_session.h"
#include "weft/tests/net/wire.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::weft::tests::FaultsBorne;
using ::weft::tests::Session;

// --- A conversation, byte by byte or in parts -------------------------------

Task<absl::Status> Answer(TcpListener& listener, Wires& wires) {
  TcpStream stream = co_await OrReturn(AcceptPrompt(listener));
  std::array<std::byte, 10> first;
  co_await OrReturn(stream.ReadExactly(first));
  wires.up.came += Text(first);
  std::array<std::byte, 8> one;
  std::array<std::byte, 200> other;
  const std::array<std::span<std::byte>, 2> parts = {one, other};
  std::size_t got = 0;
  while (got < kHello.size() + kAnswer.size() - first.size()) {
    const std::size_t some = co_await OrReturn(stream.ReadVectored(parts));
    if (some == 0) co_return absl::DataLossError("it ended early");
    const std::size_t of_one = std::min(some, one.size());
    wires.up.came += Text(std::span(one).first(of_one));
    wires.up.came += Text(std::span(other).first(some - of_one));
    got += some;
  }
  co_await OrReturn(SayInParts(stream, std::string(kAnswer),
                               std::string(kHello), wires.down));
  co_return stream.ShutdownWrite();
}

// In halves, of which one writes all there is before the other reads.
Task<absl::Status> Ask(Address address, Wires& wires) {
  TcpStream stream = co_await OrReturn(ConnectPromptly(address));
  auto [read, write] = std::move(stream).Split();
  co_await OrReturn(
      SayInParts(write, std::string(kHello), std::string(kAnswer), wires.up));
  co_await OrReturn(write.ShutdownWrite());
  std::array<std::byte, 1> front;
  co_await OrReturn(read.Peek(front));
  co_return co_await HearOut(read, wires.down);
}

TEST(SingleFaultsTest, AnEchoBearsEveryOne) {
  Wires wires;

  const int borne = FaultsBorne(
      OnWires(wires, [&] { return Converse(Echo, TalkToEcho, wires); }));

  EXPECT_GE(borne, 1200);
}

TEST(SingleFaultsTest, VectoredHalvesBearEveryOne) {
  Wires wires;

  const int borne =
      FaultsBorne(OnWires(wires, [&] { return Converse(Answer, Ask, wires); }));

  EXPECT_GE(borne, 650);
}

// --- Lines ------------------------------------------------------------------

Task<absl::Status> AnswerLines(TcpListener& listener, Wires& wires) {
  TcpStream stream = co_await OrReturn(AcceptPrompt(listener));
  BufferedReader reader(stream);
  BufferedWriter writer(stream);
  for (int i = 0; i < 2; ++i) {
    const std::string_view line = co_await OrReturn(reader.ReadLine());
    const std::string whole = std::string(line) + "\n";
    wires.up.came += whole;
    wires.down.given += whole;
    co_await OrReturn(writer.Write(whole));
  }
  co_return co_await writer.Flush();
}

Task<absl::Status> AskLines(Address address, Wires& wires) {
  TcpStream stream = co_await OrReturn(ConnectPromptly(address));
  const std::string lines = std::string(kHello) + "\n" + std::string(kAnswer);
  co_await OrReturn(Say(stream, lines + "\n", wires.up));
  BufferedReader reader(stream);
  for (int i = 0; i < 2; ++i) {
    const std::string_view line = co_await OrReturn(reader.ReadUntil("\n"));
    wires.down.came += std::string(line) + "\n";
  }
  co_return absl::OkStatus();
}

TEST(SingleFaultsTest, BufferedLinesBearEveryOne) {
  Wires wires;

  const int borne = FaultsBorne(
      OnWires(wires, [&] { return Converse(AnswerLines, AskLines, wires); }));

  EXPECT_GE(borne, 650);
}

// --- Through the kernel -----------------------------------------------------

// Everything that comes from one goes to the other.
Task<absl::Status> Relay(TcpListener& listener, Address to) {
  TcpStream from = co_await OrReturn(AcceptPrompt(listener));
  TcpStream into = co_await OrReturn(ConnectPromptly(to));
  co_await OrReturn(CopyStream(from, into));
  co_return into.ShutdownWrite();
}

Task<absl::Status> HearOneOut(TcpListener& listener, Wire& wire) {
  TcpStream stream = co_await OrReturn(AcceptPrompt(listener));
  co_return co_await HearOut(stream, wire);
}

Task<absl::Status> TalkThroughRelay(Wires& wires) {
  TcpListener relay = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  TcpListener end = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  const Address address = relay.local_address();
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(Relay(relay, end.local_address()));
    scope.Spawn(HearOneOut(end, wires.up));
    TcpStream stream = co_await OrReturn(ConnectPromptly(address));
    co_await OrReturn(Say(stream, std::string(kHello), wires.up));
    co_return stream.ShutdownWrite();
  });
}

TEST(SingleFaultsTest, ARelayBearsEveryOne) {
  Wires wires;
  Session session = OnWires(wires, [&] { return TalkThroughRelay(wires); });
  session.does_without = {"pipe"};  // It copies through a buffer.

  const int borne = FaultsBorne(std::move(session));

  EXPECT_GE(borne, 600);
}

Task<absl::Status> SendOne(TcpListener& listener, std::string path,
                           Wire& wire) {
  reactor::System& system = CurrentReactor().system();
  TcpStream stream = co_await OrReturn(AcceptPrompt(listener));
  const int number = reactor::RetryInterrupted(
      [&] { return system.open(path.c_str(), O_RDONLY, 0); });
  const int error = errno;
  const reactor::Fd file(number, system);
  if (!file) co_return reactor::ErrnoToStatus(error, "open(\"file\")");
  // More than there is.
  const std::uint64_t sent =
      co_await OrReturn(stream.SendFile(file, 0, wire.given.size() + 1));
  EXPECT_EQ(sent, wire.given.size());
  co_return stream.ShutdownWrite();
}

Task<absl::Status> FetchFile(std::string path, Wires& wires) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  const Address address = listener.local_address();
  wires.down.given = kHello;
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(SendOne(listener, path, wires.down));
    TcpStream stream = co_await OrReturn(ConnectPromptly(address));
    co_return co_await HearOut(stream, wires.down);
  });
}

TEST(SingleFaultsTest, AFileThatIsSentBearsEveryOne) {
  const weft::testing::TemporaryDirectory folder;
  folder.Write("file", kHello);
  Wires wires;

  const int borne = FaultsBorne(
      OnWires(wires, [&] { return FetchFile(folder / "file", wires); }));

  EXPECT_GE(borne, 300);
}

// --- Options and sockets from elsewhere -------------------------------------

// A duplicate, as if it had come from another program.
Task<absl::StatusOr<reactor::Fd>> DuplicateOf(TcpStream& stream) {
  reactor::System& system = CurrentReactor().system();
  reactor::Fd copy(
      system.fcntl(stream.source().fd(), F_DUPFD_CLOEXEC, /*argument=*/0),
      system);
  const int error = errno;
  if (!copy) co_return reactor::ErrnoToStatus(error, "fcntl(F_DUPFD)");
  co_return copy;
}

Task<absl::Status> TurnEveryKnob(TcpStream& stream) {
  const KeepAlive keep_alive;
  co_await OrReturn(stream.SetKeepAlive(keep_alive));
  co_await OrReturn(stream.keep_alive());
  co_await OrReturn(stream.SetTypeOfService(0x10));
  co_await OrReturn(stream.type_of_service());
  co_await OrReturn(stream.no_delay());
  co_await OrReturn(stream.send_buffer_size());
  co_await OrReturn(stream.local_address());
  co_await OrReturn(stream.SetLinger(std::nullopt));
  co_await OrReturn(stream.linger());
  co_return absl::OkStatus();
}

Task<absl::Status> AskAdopted(Address address, Wires& wires) {
  TcpStream first = co_await OrReturn(ConnectPromptly(address));
  co_await OrReturn(TurnEveryKnob(first));
  reactor::Fd copy = co_await OrReturn(DuplicateOf(first));
  TcpStream stream = co_await OrReturn(TcpStream::FromFd(std::move(copy)));
  co_await OrReturn(Say(stream, std::string(kAnswer), wires.up));
  co_await OrReturn(stream.ShutdownWrite());
  co_return co_await HearOut(stream, wires.down);
}

TEST(SingleFaultsTest, ASocketFromElsewhereBearsEveryOne) {
  Wires wires;

  const int borne = FaultsBorne(
      OnWires(wires, [&] { return Converse(Echo, AskAdopted, wires); }));

  EXPECT_GE(borne, 250);
}

// --- A server ---------------------------------------------------------------

// What became of the connections of a server.
struct Served {
  Wires wires[2];
  std::vector<absl::Status> errors;
};

Task<absl::Status> AskServer(Address address, Wires& wires) {
  TcpStream stream = co_await OrReturn(ConnectPromptly(address));
  co_await OrReturn(Say(stream, std::string(kHello), wires.up));
  co_await OrReturn(Hear(stream, kHello.size(), wires.down));
  co_return absl::OkStatus();
}

// Which of them it is, its first byte says.
Task<absl::Status> EchoOnce(TcpStream stream) {
  std::array<std::byte, 200> buffer;
  std::span<std::byte> all = std::span(buffer).first(kHello.size());
  co_await OrReturn(stream.SetNoDelay(true));
  co_await OrReturn(stream.ReadExactly(all));
  co_return co_await stream.WriteAll(all);
}

Task<absl::Status> ServeTwo(Served& served) {
  ServerOptions options;
  options.on_error = [&served](const Peer&, const absl::Status& error) {
    served.errors.push_back(error);
  };
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  Server<TcpListener> server(std::move(listener), EchoOnce, std::move(options));
  const Address address = server.listener().local_address();
  absl::Status ended =
      co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
        scope.Spawn(server.Run());
        absl::Status asked =
            co_await WithScope([&](Scope& clients) -> Task<absl::Status> {
              for (Wires& wires : served.wires) {
                clients.Spawn(AskServer(address, wires));
              }
              co_return absl::OkStatus();
            });
        server.Drain();
        co_return asked;
      });
  // Whichever end met the fault says so; the other knows only that it is alone.
  std::vector<absl::Status> all = std::move(served.errors);
  if (!ended.ok()) all.push_back(std::move(ended));
  co_return JoinErrors(std::move(all));
}

TEST(SingleFaultsTest, AServerBearsEveryOne) {
  Served served;

  const int borne =
      FaultsBorne({.start =
                       [&] {
                         served = Served();
                         return ServeTwo(served);
                       },
                   .check =
                       [&](const absl::Status& ended) {
                         // The handlers note nothing down: they say what they
                         // hear.
                         for (Wires& wires : served.wires) {
                           wires.up.came = wires.up.given;
                           wires.down.given = wires.up.given;
                         }
                         absl::Status held = served.wires[0].Check(ended);
                         held.Update(served.wires[1].Check(ended));
                         return held;
                       }});

  EXPECT_GE(borne, 1000);
}

// --- By name ----------------------------------------------------------------

Task<absl::Status> AskByName(Address address, Wires& wires) {
  Resolver resolver;
  ConnectOptions options;
  options.no_delay = true;
  options.resolver = &resolver;
  const std::string name = "localhost:" + std::to_string(address.port());
  TcpStream stream = co_await OrReturn(TcpStream::Connect(name, options));
  co_await OrReturn(Say(stream, std::string(kHello), wires.up));
  co_await OrReturn(stream.ShutdownWrite());
  co_return co_await HearOut(stream, wires.down);
}

// What the options of both ends add before it is made.
Task<absl::Status> ListenAndAskWithOptions(Wires& wires) {
  ListenOptions listening;
  listening.no_delay = true;
  listening.keep_alive = KeepAlive();
  listening.type_of_service = 0x10;
  Resolver resolver;
  TcpListener listener = co_await OrReturn(
      TcpListener::BindByName("127.0.0.1:0", listening, &resolver));
  ConnectOptions options;
  options.no_delay = true;
  options.keep_alive = KeepAlive();
  options.type_of_service = 0x10;
  options.receive_buffer_size = 100'000;
  TcpStream client =
      co_await OrReturn(TcpStream::Connect(listener.local_address(), options));
  TcpStream server = co_await OrReturn(listener.Accept());
  co_await OrReturn(Say(client, std::string(kHello), wires.up));
  co_return co_await Hear(server, kHello.size(), wires.up);
}

TEST(SingleFaultsTest, OptionsOfBothEndsBearEveryOne) {
  Wires wires;

  const int borne = FaultsBorne(
      OnWires(wires, [&] { return ListenAndAskWithOptions(wires); }));

  EXPECT_GE(borne, 150);
}

TEST(SingleFaultsTest, AConnectionByNameBearsEveryOne) {
  Wires wires;

  const int borne = FaultsBorne(
      OnWires(wires, [&] { return Converse(Echo, AskByName, wires); }));

  EXPECT_GE(borne, 500);
}

}  // namespace
}  // namespace weft::net
