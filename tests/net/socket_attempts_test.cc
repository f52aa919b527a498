// Tests of reads and writes on a System that gives less than was asked for,
// interrupts, and wakes for nothing.
//
// SPDX-License-Identifier: MIT

#include "weft/net/socket_attempts.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/pipe.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/tcp_pair.h"

namespace weft::net {
namespace {

constexpr std::size_t kMegabyte = 1 << 20;

Task<absl::Status> WriteAllThenEnd(TcpStream& stream,
                                   std::span<const std::byte> bytes) {
  co_await OrReturn(stream.WriteAll(bytes));
  co_return stream.ShutdownWrite();
}

// Sends `bytes` there, in one piece, and back, in two.
Task<absl::Status> ThereAndBack(TcpPair& pair,
                                std::span<const std::byte> sent) {
  auto [written, there] = co_await WhenAll(WriteAllThenEnd(pair.client, sent),
                                           ReadAll(pair.server));
  co_await OrReturn(written);
  const std::vector<std::byte> arrived = co_await OrReturn(std::move(there));
  EXPECT_TRUE(std::ranges::equal(arrived, sent));

  std::span<const std::byte> rest = arrived;
  while (!rest.empty()) {
    const std::array parts = {rest.first(rest.size() / 2),
                              rest.subspan(rest.size() / 2)};
    const std::size_t taken =
        co_await OrReturn(pair.server.WriteVectored(parts));
    const std::span<const std::byte> expected = rest.first(taken);
    std::vector<std::byte> got(taken);
    co_await OrReturn(ReadExactly(pair.client, got));
    EXPECT_TRUE(std::ranges::equal(got, expected));
    rest = rest.subspan(taken);
  }
  co_return absl::OkStatus();
}

// Reads and writes one byte at a time, whatever is asked.
class OneByteSystem : public testing::SimulatedSystem {
 public:
  ssize_t recv(int fd, void* buffer, std::size_t size, int flags) override {
    return SimulatedSystem::recv(fd, buffer, std::min<std::size_t>(size, 1),
                                 flags);
  }
  ssize_t send(int fd, const void* buffer, std::size_t size,
               int flags) override {
    return SimulatedSystem::send(fd, buffer, std::min<std::size_t>(size, 1),
                                 flags);
  }
  ssize_t sendmsg(int fd, const msghdr* message, int flags) override {
    const iovec& first = message->msg_iov[0];
    return send(fd, first.iov_base, first.iov_len, flags);
  }
};

TEST(SocketAttemptsTest, GetThereOneByteAtATime) {
  OneByteSystem system;
  const std::vector<std::byte> bytes = Pattern(3000);

  const absl::Status status = Simulate(
      {.system = &system},
      [](std::span<const std::byte> sent) -> Task<absl::Status> {
        TcpPair pair = co_await OrReturn(ConnectPair());
        pair.client.SetShortReadsDrain(false);
        pair.server.SetShortReadsDrain(false);
        co_return co_await ThereAndBack(pair, sent);
      },
      bytes);

  EXPECT_EQ(status, absl::OkStatus());
}

// Refuses messages of no pieces, as POSIX has it and macOS does (sendmsg(2) and
// writev(2) there; Linux takes them for messages of no bytes).
class PosixSystem : public testing::SimulatedSystem {
 public:
  ssize_t sendmsg(int fd, const msghdr* message, int flags) override {
    if (message->msg_iovlen == 0) return Refuse(EMSGSIZE);
    return SimulatedSystem::sendmsg(fd, message, flags);
  }
  ssize_t writev(int fd, const iovec* parts, int count) override {
    if (count == 0) return Refuse(EINVAL);
    return SimulatedSystem::writev(fd, parts, count);
  }

 private:
  static ssize_t Refuse(int error) {
    errno = error;
    return -1;
  }
};

TEST(SocketAttemptsTest, WriteNoPiecesWhereTheSystemRefusesThem) {
  PosixSystem system;

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        TcpPair pair = co_await OrReturn(ConnectPair());
        Pipe pipe = co_await OrReturn(MakePipe());
        const std::array<std::span<const std::byte>, 2> empty = {};

        const auto none = co_await pair.client.WriteVectored({});
        const auto of_empty = co_await pair.client.WriteVectored(empty);
        const auto to_a_pipe = co_await pipe.writer.WriteVectored(empty);

        EXPECT_EQ(none.status(), absl::OkStatus());
        EXPECT_EQ(of_empty.status(), absl::OkStatus());
        EXPECT_EQ(to_a_pipe.status(), absl::OkStatus());
        EXPECT_EQ(none.value_or(1), 0u);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

// Interrupts every other call of each kind, before it has done anything.
class InterruptingSystem : public testing::SimulatedSystem {
 public:
  ssize_t recv(int fd, void* buffer, std::size_t size, int flags) override {
    if (Interrupts("recv")) return -1;
    return SimulatedSystem::recv(fd, buffer, size, flags);
  }
  ssize_t send(int fd, const void* buffer, std::size_t size,
               int flags) override {
    if (Interrupts("send")) return -1;
    return SimulatedSystem::send(fd, buffer, size, flags);
  }
  ssize_t sendmsg(int fd, const msghdr* message, int flags) override {
    if (Interrupts("sendmsg")) return -1;
    return SimulatedSystem::sendmsg(fd, message, flags);
  }
  int accept(int fd, sockaddr* address, socklen_t* size) override {
    if (Interrupts("accept")) return -1;
    return SimulatedSystem::accept(fd, address, size);
  }
  // A close and a connect that are interrupted have begun, and are not to be
  // called again.
  int connect(int fd, const sockaddr* address, socklen_t size) override {
    const int result = SimulatedSystem::connect(fd, address, size);
    return Interrupts("connect") ? -1 : result;
  }
  int close(int fd) override {
    const int result = SimulatedSystem::close(fd);
    return Interrupts("close") ? -1 : result;
  }
  int event_queue_control(absl::FunctionRef<int()> call) override {
    if (Interrupts("control")) return -1;
    return SimulatedSystem::event_queue_control(call);
  }
  int event_queue_wait(absl::FunctionRef<int()> call) override {
    if (Interrupts("wait")) return -1;
    return SimulatedSystem::event_queue_wait(call);
  }

  std::map<std::string, int> calls;

 private:
  bool Interrupts(const char* name) {
    errno = EINTR;
    return ++calls[name] % 2 == 1;
  }
};

TEST(SocketAttemptsTest, GoOnWhenASignalInterruptsAnyCall) {
  InterruptingSystem system;
  const std::vector<std::byte> bytes = Pattern(4 * kMegabyte);

  const absl::Status status = Simulate(
      {.system = &system},
      [](std::span<const std::byte> sent) -> Task<absl::Status> {
        TcpPair pair = co_await OrReturn(ConnectPair());
        co_return co_await ThereAndBack(pair, sent);
      },
      bytes);

  EXPECT_EQ(status, absl::OkStatus());
  for (const char* const name : {"recv", "send", "sendmsg", "accept", "connect",
                                 "close", "control", "wait"}) {
    EXPECT_GT(system.calls[name], 0) << name;
  }
}

// Takes half of what it is offered; of several pieces, the first.
class HesitantSystem : public testing::SimulatedSystem {
 public:
  ssize_t send(int fd, const void* buffer, std::size_t size,
               int flags) override {
    return SimulatedSystem::send(fd, buffer, (size + 1) / 2, flags);
  }
  ssize_t sendmsg(int fd, const msghdr* message, int flags) override {
    msghdr first = *message;
    first.msg_iovlen = 1;
    return SimulatedSystem::sendmsg(fd, &first, flags);
  }
};

TEST(SocketAttemptsTest, OfferAgainWhatWasNotTaken) {
  HesitantSystem system;
  const std::vector<std::byte> bytes = Pattern(4 * kMegabyte);

  const absl::Status status = Simulate(
      {.system = &system},
      [](std::span<const std::byte> sent) -> Task<absl::Status> {
        TcpPair pair = co_await OrReturn(ConnectPair());
        co_return co_await ThereAndBack(pair, sent);
      },
      bytes);

  EXPECT_EQ(status, absl::OkStatus());
}

// Takes all that it is offered, as for a reader who keeps up.
class BottomlessSystem : public testing::SimulatedSystem {
 public:
  ssize_t send(int, const void*, std::size_t size, int) override {
    return Take(size);
  }
  ssize_t sendmsg(int, const msghdr* message, int) override {
    std::size_t size = 0;
    for (std::size_t i = 0; i < message->msg_iovlen; ++i) {
      size += message->msg_iov[i].iov_len;
    }
    return Take(size);
  }

  std::size_t taken = 0;

 private:
  ssize_t Take(std::size_t size) {
    taken += size;
    return static_cast<ssize_t>(size);
  }
};

// Begins to write 16 megabytes, has one turn itself, and does `act`. Gives what
// the write gives.
Task<absl::Status> WriteMuch(BottomlessSystem& system,
                             void (*act)(TcpPair&, JoinHandle<absl::Status>&)) {
  TcpPair pair = co_await OrReturn(ConnectPair());
  const std::vector<std::byte> bytes(16 * kMegabyte);
  JoinHandle<absl::Status> writer =
      Spawn(WriteAllThenEnd, std::ref(pair.client),
            std::span<const std::byte>(bytes));
  co_await Yield();
  EXPECT_EQ(system.taken, kMegabyte);
  act(pair, writer);
  co_return co_await writer.Join();
}

TEST(SocketAttemptsTest, LeaveOthersATurnAfterEveryMegabyte) {
  BottomlessSystem system;

  const absl::Status status =
      Simulate({.system = &system}, WriteMuch, system,
               [](TcpPair&, JoinHandle<absl::Status>&) {});

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(system.taken, 16 * kMegabyte);
}

TEST(SocketAttemptsTest, AreCancelledBetweenTwoMegabytes) {
  BottomlessSystem system;

  const absl::Status status = Simulate(
      {.system = &system}, WriteMuch, system,
      [](TcpPair&, JoinHandle<absl::Status>& writer) { writer.Cancel(); });

  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(system.taken, kMegabyte);
}

TEST(SocketAttemptsTest, NoticeACloseBetweenTwoMegabytes) {
  BottomlessSystem system;

  const absl::Status status = Simulate(
      {.system = &system}, WriteMuch, system,
      [](TcpPair& pair, JoinHandle<absl::Status>&) { pair.client.Close(); });

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(system.taken, kMegabyte);
}

TEST(SocketAttemptsTest, OfferAMegabyteACallAtMost) {
  BottomlessSystem system;

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        TcpPair pair = co_await OrReturn(ConnectPair());
        const std::vector<std::byte> bytes(2 * kMegabyte);
        const std::span<const std::byte> all(bytes);
        const std::array parts = {all.first(kMegabyte - 1), all, all};

        const std::size_t written = co_await OrReturn(pair.client.Write(all));
        const std::size_t vectored =
            co_await OrReturn(pair.client.WriteVectored(parts));

        EXPECT_EQ(written, kMegabyte);
        EXPECT_EQ(vectored, kMegabyte);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

// Fails every read and write with one error.
class BrokenSystem : public testing::SimulatedSystem {
 public:
  explicit BrokenSystem(int error) : error_(error) {}

  ssize_t recv(int, void*, std::size_t, int) override { return Fail(); }
  ssize_t send(int, const void*, std::size_t, int) override { return Fail(); }
  ssize_t sendmsg(int, const msghdr*, int) override { return Fail(); }

 private:
  ssize_t Fail() const {
    errno = error_;
    return -1;
  }
  const int error_;
};

// Linux tells of a connection that it has given up once, and then ends it.
class LosingSystem : public testing::SimulatedSystem {
 public:
  explicit LosingSystem(int error) : error_(error) {}

  ssize_t recv(int, void*, std::size_t, int) override { return 0; }
  ssize_t send(int, const void*, std::size_t, int) override {
    errno = error_;
    return -1;
  }

 private:
  const int error_;
};

TEST(SocketAttemptsTest, AWriterIsToldWhyAndTheReaderThatItIsNoEnd) {
  for (const int error :
       {ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN,
        ECONNREFUSED, ENOPROTOOPT, EPROTO, EACCES}) {
    LosingSystem system(error);
    const absl::Status status =
        Simulate({.system = &system}, [error]() -> Task<absl::Status> {
          TcpPair pair = co_await OrReturn(ConnectPair());
          std::array<std::byte, 1> byte;

          const absl::StatusOr<std::size_t> written =
              co_await pair.client.Write(Bytes("x"));
          const absl::StatusOr<std::size_t> read =
              co_await pair.client.Read(byte);

          EXPECT_EQ(reactor::ErrnoOf(written.status()), error);
          EXPECT_EQ(read.status().code(), absl::StatusCode::kUnavailable)
              << std::strerror(error);
          co_return absl::OkStatus();
        });
    EXPECT_EQ(status, absl::OkStatus());
  }
}

TEST(SocketAttemptsTest, SayWhatFailedAndOnWhat) {
  BrokenSystem system(EHOSTUNREACH);

  const absl::Status status =
      Simulate({.system = &system}, []() -> Task<absl::Status> {
        TcpPair pair = co_await OrReturn(ConnectPair());
        const std::string name = pair.client.peer_address().ToString();
        std::array<std::byte, 1> byte;
        const std::array parts = {Bytes("x")};

        const absl::StatusOr<std::size_t> read =
            co_await pair.client.Read(byte);
        const absl::StatusOr<std::size_t> written =
            co_await pair.client.Write(Bytes("x"));
        const absl::StatusOr<std::size_t> vectored =
            co_await pair.client.WriteVectored(parts);
        const absl::Status all = co_await pair.client.WriteAll(Bytes("x"));

        const std::string why = "(\"" + name + "\"): No route to host";
        EXPECT_EQ(std::string(read.status().message()), "read" + why);
        EXPECT_EQ(std::string(written.status().message()), "write" + why);
        EXPECT_EQ(std::string(vectored.status().message()), "write" + why);
        EXPECT_EQ(std::string(all.message()), "write" + why);
        EXPECT_EQ(all.code(), absl::StatusCode::kUnavailable);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
