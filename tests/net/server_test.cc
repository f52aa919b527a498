// Tests of Server: how many it serves at a time, and how it ends.
//
// SPDX-License-Identifier: MIT

#include "weft/net/server.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/unix_listener.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::weft::testing::CancelEverywhere;
using ::weft::testing::CloseEverywhere;
using ::weft::testing::Interrupted;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

template <typename Stream>
Task<absl::Status> Echo(Stream stream) {
  std::array<std::byte, 64> buffer;
  while (std::size_t n = co_await OrReturn(stream.Read(buffer))) {
    co_await OrReturn(stream.WriteAll(std::span(buffer).first(n)));
  }
  co_return absl::OkStatus();
}

// Says something and hears it again.
template <typename Stream>
Task<absl::StatusOr<std::string>> Ask(Stream& stream, std::string_view text) {
  co_await OrReturn(stream.WriteAll(Bytes(text)));
  co_return co_await ReadText(stream);
}

class ServerTest : public ::testing::Test {
 protected:
  using Tcp = Server<TcpListener>;

  // A server on a free port, and the task that runs it.
  absl::Status Start(Tcp::Handler handler, ServerOptions options = {}) {
    absl::StatusOr<TcpListener> listener = TcpListener::Bind("127.0.0.1:0");
    if (!listener.ok()) return listener.status();
    server_.emplace(*std::move(listener), std::move(handler),
                    std::move(options));
    running_.emplace(Spawn(server_->Run()));
    return absl::OkStatus();
  }
  Task<absl::StatusOr<TcpStream>> Connect() {
    return TcpStream::Connect(server_->listener().local_address());
  }

  template <typename Body>
  absl::Status Run(Body body, testing::SimulatedSystem* system = nullptr) {
    Simulator sim({.system = system});
    absl::Status status = sim.Run(body());
    running_.reset();
    sim.RunUntilIdle();
    server_.reset();  // It does not outlive the simulation.
    return status;
  }

  std::optional<Tcp> server_;
  std::optional<JoinHandle<absl::Status>> running_;
};

TEST_F(ServerTest, ServesEachThatConnects) {
  auto body = [this]() -> Task<absl::Status> {
    co_await OrReturn(Start(Echo<TcpStream>));
    TcpStream one = co_await OrReturn(Connect());
    TcpStream other = co_await OrReturn(Connect());

    const std::string first = co_await OrReturn(Ask(one, "one"));
    const std::string second = co_await OrReturn(Ask(other, "other"));

    EXPECT_EQ(first, "one");
    EXPECT_EQ(second, "other");
    EXPECT_EQ(server_->connections(), 2);
    EXPECT_EQ(server_->accepted(), 2);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST(UnixServerTest, ServesUnixSocketsAlike) {
  const TemporaryDirectory folder;
  auto body = [&folder]() -> Task<absl::Status> {
    UnixListener listener =
        co_await OrReturn(UnixListener::Bind(folder / "socket"));
    Server server(std::move(listener), Echo<UnixStream>);
    JoinHandle<absl::Status> running = Spawn(server.Run());
    UnixStream client =
        co_await OrReturn(UnixStream::Connect(folder / "socket"));

    const std::string answer = co_await OrReturn(Ask(client, "hi"));
    client.Close();
    server.Drain();
    const absl::Status ended = co_await running.Join();

    EXPECT_EQ(answer, "hi");
    EXPECT_EQ(ended, absl::OkStatus());
    co_return absl::OkStatus();
  };
  Simulator sim;

  EXPECT_EQ(sim.Run(body()), absl::OkStatus());
}

// --- Limits -----------------------------------------------------------------

TEST_F(ServerTest, NoMoreAreServedThanItMay) {
  auto body = [this]() -> Task<absl::Status> {
    ServerOptions options;
    options.max_connections = 1;
    co_await OrReturn(Start(Echo<TcpStream>, std::move(options)));
    TcpStream first = co_await OrReturn(Connect());
    TcpStream second = co_await OrReturn(Connect());
    second.SetReadTimeout(absl::Seconds(1));
    co_await OrReturn(Ask(first, "first"));

    const auto too_many = co_await Ask(second, "second");
    first.Close();
    const std::string now = co_await OrReturn(ReadText(second));

    EXPECT_EQ(too_many.status().code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_EQ(now, "second") << "it waited in the system's queue";
    EXPECT_EQ(server_->connections(), 1);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(ServerTest, AClientThatSaysNothingIsDroppedByTheTimeout) {
  std::vector<std::string> errors;
  auto body = [this, &errors]() -> Task<absl::Status> {
    ServerOptions options;
    options.read_timeout = absl::Seconds(10);
    options.on_error = [&errors](const Peer&, const absl::Status& error) {
      errors.push_back(error.ToString());
    };
    co_await OrReturn(Start(Echo<TcpStream>, std::move(options)));
    TcpStream silent = co_await OrReturn(Connect());

    const std::string end = co_await OrReturn(ReadText(silent));

    EXPECT_EQ(end, "");
    EXPECT_EQ(server_->connections(), 0);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
  EXPECT_THAT(errors, ElementsAre(HasSubstr("DEADLINE_EXCEEDED")));
}

TEST_F(ServerTest, OneClientsErrorIsNotTheOthers) {
  std::vector<std::string> errors;
  auto body = [this, &errors]() -> Task<absl::Status> {
    ServerOptions options;
    options.on_error = [&errors](const Peer&, const absl::Status& error) {
      errors.push_back(std::string(error.message()));
    };
    auto picky = [](TcpStream stream) -> Task<absl::Status> {
      const std::string text = co_await OrReturn(ReadText(stream));
      if (text == "bad") co_return absl::InvalidArgumentError("I said no");
      co_await OrReturn(stream.WriteAll(Bytes("fine")));
      co_return absl::OkStatus();
    };
    co_await OrReturn(Start(picky, std::move(options)));
    TcpStream bad = co_await OrReturn(Connect());
    TcpStream good = co_await OrReturn(Connect());

    const std::string refused = co_await OrReturn(Ask(bad, "bad"));
    const std::string served = co_await OrReturn(Ask(good, "good"));

    EXPECT_EQ(refused, "");
    EXPECT_EQ(served, "fine");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
  EXPECT_THAT(errors, ElementsAre("I said no"));
}

// A system where accepts go wrong.
class FaultyAccept : public testing::SimulatedSystem {
 public:
  // `error` is what all get but the first `good`, and `times` in all.
  FaultyAccept(int error, int good, int times)
      : error_(error), good_(good), left_(times) {}

  int accept(int fd, sockaddr* address, socklen_t* size) override {
    if (good_ == 0 && left_ > 0) {
      --left_;
      errno = error_;
      return -1;
    }
    const int socket = SimulatedSystem::accept(fd, address, size);
    if (socket != -1 && good_ > 0) --good_;
    return socket;
  }

 private:
  const int error_;
  int good_;
  int left_;
};

TEST_F(ServerTest, ItIsSeenToStarveWhileItRuns) {
  FaultyAccept system(EMFILE, /*good=*/0, /*times=*/3);
  auto body = [this]() -> Task<absl::Status> {
    co_await OrReturn(Start(Echo<TcpStream>));
    TcpStream client = co_await OrReturn(Connect());

    const std::string answer = co_await OrReturn(Ask(client, "late"));

    EXPECT_EQ(answer, "late");
    EXPECT_EQ(server_->listener().times_starved(), 3u);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body, &system), absl::OkStatus());
}

// --- The end ----------------------------------------------------------------

TEST_F(ServerTest, TheListenersErrorEndsItAndDrains) {
  FaultyAccept system(EINVAL, /*good=*/1, /*times=*/1000);
  auto body = [this]() -> Task<absl::Status> {
    co_await OrReturn(Start(Echo<TcpStream>));
    TcpStream client = co_await OrReturn(Connect());
    co_await OrReturn(Ask(client, "a"));
    co_await OrReturn(SleepFor(absl::Seconds(5)));

    const std::string still = co_await OrReturn(Ask(client, "b"));
    const auto late = co_await Connect();
    client.Close();
    const absl::Status ended = co_await running_->Join();

    EXPECT_EQ(still, "b");
    EXPECT_TRUE(server_->draining().is_set());
    EXPECT_EQ(late.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(reactor::ErrnoOf(ended), EINVAL);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body, &system), absl::OkStatus());
}

TEST_F(ServerTest, AHandlersExceptionEndsItAndEveryConnection) {
  auto body = [this]() -> Task<absl::Status> {
    auto handler = [](TcpStream stream) -> Task<absl::Status> {
      const std::string text = co_await OrReturn(ReadText(stream));
      if (text == "bad") throw std::runtime_error("out of a handler");
      co_return co_await Echo(std::move(stream));
    };
    co_await OrReturn(Start(handler));
    TcpStream other = co_await OrReturn(Connect());
    TcpStream bad = co_await OrReturn(Connect());
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    std::string thrown;

    const std::string refused = co_await OrReturn(Ask(bad, "bad"));
    const std::string end = co_await OrReturn(ReadText(other));
    try {
      const absl::Status ended = co_await running_->Join();
      thrown = ended.ToString();
    } catch (const std::runtime_error& error) {
      thrown = error.what();
    }
    const auto late = co_await Connect();

    EXPECT_EQ(refused, "");
    EXPECT_EQ(end, "") << "it was cancelled";
    EXPECT_EQ(thrown, "out of a handler");
    EXPECT_EQ(late.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(server_->connections(), 0);
    EXPECT_EQ(server_->accepted(), 2);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(ServerTest, DrainedItEndsWhenTheLastConnectionHas) {
  auto body = [this]() -> Task<absl::Status> {
    co_await OrReturn(Start(Echo<TcpStream>));
    TcpStream client = co_await OrReturn(Connect());
    co_await OrReturn(Ask(client, "a"));

    server_->Drain();
    co_await OrReturn(SleepFor(absl::Seconds(5)));
    const std::string still = co_await OrReturn(Ask(client, "b"));
    const auto late = co_await Connect();
    client.Close();
    const Instant closed = Now();
    const absl::Status ended = co_await running_->Join();

    EXPECT_EQ(still, "b");
    EXPECT_EQ(late.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ended, absl::OkStatus());
    EXPECT_EQ(Now(), closed) << "not when the drain's time is over";
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(ServerTest, WhoDoesNotEndInTimeIsCancelled) {
  auto body = [this]() -> Task<absl::Status> {
    ServerOptions options;
    options.drain_timeout = absl::Seconds(3);
    co_await OrReturn(Start(Echo<TcpStream>, std::move(options)));
    TcpStream client = co_await OrReturn(Connect());
    co_await OrReturn(Ask(client, "a"));
    const Instant begin = Now();

    server_->Drain();
    const absl::Status ended = co_await running_->Join();
    const std::string end = co_await OrReturn(ReadText(client));

    EXPECT_EQ(ended, absl::OkStatus());
    EXPECT_GE(Now() - begin, absl::Seconds(3));
    EXPECT_LT(Now() - begin, absl::Seconds(4));
    EXPECT_EQ(end, "");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(ServerTest, CancelledItDrainsAndThenSaysCancelled) {
  auto body = [this]() -> Task<absl::Status> {
    co_await OrReturn(Start(Echo<TcpStream>));
    TcpStream client = co_await OrReturn(Connect());
    co_await OrReturn(Ask(client, "a"));

    running_->Cancel();
    co_await OrReturn(SleepFor(absl::Seconds(5)));
    const std::string still = co_await OrReturn(Ask(client, "b"));
    client.Close();
    const absl::Status ended = co_await running_->Join();

    EXPECT_EQ(still, "b");
    EXPECT_EQ(ended.code(), absl::StatusCode::kCancelled);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST_F(ServerTest, AHandlerThatWatchesForTheDrainEndsAtOnce) {
  auto body = [this]() -> Task<absl::Status> {
    auto until_drained = [this](TcpStream) -> Task<absl::Status> {
      co_return co_await server_->draining().Wait();
    };
    co_await OrReturn(Start(until_drained));
    TcpStream client = co_await OrReturn(Connect());
    co_await OrReturn(SleepFor(absl::Seconds(1)));
    const Instant begin = Now();

    server_->Drain();
    const absl::Status ended = co_await running_->Join();

    EXPECT_EQ(ended, absl::OkStatus());
    EXPECT_EQ(Now(), begin);
    co_return absl::OkStatus();
  };

  EXPECT_EQ(Run(body), absl::OkStatus());
}

TEST(ServerCancellationTest, CancelledAnywhereNothingStaysOpen) {
  const int before = OpenDescriptors();
  auto session = []() -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    ServerOptions options;
    options.drain_timeout = absl::Seconds(1);
    Server server(std::move(listener), Echo<TcpStream>, std::move(options));
    co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
      scope.Spawn(server.Run());
      TcpStream client = co_await OrReturn(
          TcpStream::Connect(server.listener().local_address()));
      const std::string answer = co_await OrReturn(Ask(client, "hi"));
      EXPECT_EQ(answer, "hi");
      server.Drain();
      co_return absl::OkStatus();
    });
  };
  auto check = [](const absl::Status& result, const Interrupted&) {
    return absl::IsCancelled(result) ? absl::OkStatus() : result;
  };

  EXPECT_EQ(CancelEverywhere({.seeds = 5}, session, check).status(),
            absl::OkStatus());
  EXPECT_EQ(OpenDescriptors(), before);
}

// How a server and its one client ended.
struct Drained {
  Server<TcpListener>* server = nullptr;  // While there is one.
  absl::Status served = absl::OkStatus();
  absl::StatusOr<std::string> answer = "";
};

Task<absl::Status> AskOnce(Address whom, Drained& drained) {
  TcpStream client = co_await OrReturn(TcpStream::Connect(whom));
  drained.answer = co_await Ask(client, "hi");
  co_return absl::OkStatus();
}

Task<absl::Status> ServeOne(Drained& drained) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  Server server(std::move(listener), Echo<TcpStream>);
  drained.server = &server;
  JoinHandle<absl::Status> running = Spawn(server.Run());
  const absl::Status asked =
      co_await AskOnce(server.listener().local_address(), drained);
  server.Drain();
  drained.served = co_await running.Join();
  drained.server = nullptr;
  co_return asked;
}

TEST(ServerCancellationTest, DrainedByAnotherTaskAnywhereItEndsInGoodOrder) {
  const int before = OpenDescriptors();
  Drained drained;
  auto start = [&drained] {
    drained = Drained();
    return ServeOne(drained);
  };
  auto drain = [&drained] {
    if (drained.server != nullptr) drained.server->Drain();
  };
  // Whoever came in time is served to his end; who did not is refused or reset.
  auto check = [&drained](const absl::Status& asked, const Interrupted& at) {
    if (at.undisturbed && drained.answer.value_or("") != "hi") return asked;
    if (!drained.served.ok()) return drained.served;
    if (!asked.ok()) return absl::IsUnavailable(asked) ? drained.served : asked;
    if (!drained.answer.ok()) {
      return absl::IsUnavailable(drained.answer.status())
                 ? absl::OkStatus()
                 : drained.answer.status();
    }
    const bool whole = *drained.answer == "hi" || drained.answer->empty();
    return whole ? absl::OkStatus() : absl::InternalError(*drained.answer);
  };

  const absl::StatusOr<int> places =
      CloseEverywhere({.seeds = 10}, start, drain, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 5);
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace weft::net
