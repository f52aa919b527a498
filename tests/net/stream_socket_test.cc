// Tests of sending files through every stream socket, on TCP and on Unix
// sockets alike, and of buffer sizes. Reading and writing are in
// conformance/socket_conformance.h.
//
// SPDX-License-Identifier: MIT

#include "weft/net/stream_socket.h"

#include <fcntl.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

enum class Kind { kTcp, kUnix };

struct SocketPair {
  StreamSocket client;
  StreamSocket server;
};

Task<absl::StatusOr<SocketPair>> Connected(Kind kind) {
  if (kind == Kind::kTcp) {
    TcpPair pair = co_await OrReturn(ConnectPair());
    co_return SocketPair{std::move(pair.client), std::move(pair.server)};
  }
  auto pair = co_await OrReturn(UnixStream::Pair());
  co_return SocketPair{std::move(pair.first), std::move(pair.second)};
}

class StreamSocketTest : public ::testing::TestWithParam<Kind> {
 protected:
  // Runs a test's body as a task of a simulation.
  absl::Status Simulate(Task<absl::Status> (*body)(Kind),
                        SimulatedSystem* system = nullptr) {
    Simulator sim({.system = system});
    return sim.Run(body(GetParam()));
  }
};

INSTANTIATE_TEST_SUITE_P(All, StreamSocketTest,
                         ::testing::Values(Kind::kTcp, Kind::kUnix),
                         [](const auto& info) {
                           return info.param == Kind::kTcp ? "Tcp" : "Unix";
                         });

TEST_P(StreamSocketTest, BufferSizesAreSetAndAsked) {
  const absl::Status status = Simulate([](Kind kind) -> Task<absl::Status> {
    SocketPair pair = co_await OrReturn(Connected(kind));

    co_await OrReturn(pair.client.SetSendBufferSize(32768));
    co_await OrReturn(pair.client.SetReceiveBufferSize(32768));

    const int sent = co_await OrReturn(pair.client.send_buffer_size());
    const int received = co_await OrReturn(pair.client.receive_buffer_size());
    EXPECT_GE(sent, 32768);
    EXPECT_GE(received, 32768);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Sending files ----------------------------------------------------------

// A file of the system's with a pattern in it, without the layer above.
class PatternFile {
 public:
  explicit PatternFile(std::size_t size) : contents_(Pattern(size)) {
    folder_.Write("file", Text(contents_));
    file_ = reactor::Fd(reactor::System::Kernel().open(
        (folder_ / "file").c_str(), O_RDONLY, 0));
  }
  const reactor::Fd& fd() const { return file_; }
  const std::vector<std::byte>& contents() const { return contents_; }

 private:
  TemporaryDirectory folder_;
  std::vector<std::byte> contents_;
  reactor::Fd file_;
};

// Sends all of `file` and a little more, and reads it at the other end.
Task<absl::Status> SendsWhole(Kind kind) {
  SocketPair pair = co_await OrReturn(Connected(kind));
  const PatternFile file((5 << 20) + 17);
  auto receive = [&]() -> Task<absl::StatusOr<std::vector<std::byte>>> {
    co_return co_await ReadAll(pair.server);
  };
  JoinHandle<absl::StatusOr<std::vector<std::byte>>> receiver = Spawn(receive);

  const std::uint64_t sent = co_await OrReturn(
      pair.client.SendFile(file.fd(), 0, file.contents().size() + 1000));
  pair.client.Close();
  const std::vector<std::byte> got = co_await OrReturn(receiver.Join());

  EXPECT_EQ(sent, file.contents().size());
  EXPECT_EQ(got, file.contents());
  co_return absl::OkStatus();
}

TEST_P(StreamSocketTest, SendsAFileAsFarAsItGoes) {
  EXPECT_EQ(Simulate(SendsWhole), absl::OkStatus());
}

TEST_P(StreamSocketTest, SendsAPartOfAFile) {
  const absl::Status status = Simulate([](Kind kind) -> Task<absl::Status> {
    SocketPair pair = co_await OrReturn(Connected(kind));
    const PatternFile file(5000);

    const std::uint64_t sent =
        co_await OrReturn(pair.client.SendFile(file.fd(), 100, 10));
    const std::string got = co_await OrReturn(ReadText(pair.server));

    EXPECT_EQ(sent, 10u);
    EXPECT_EQ(got, Text(std::span(file.contents()).subspan(100, 10)));
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

class WithoutSendfile final : public SimulatedSystem {
 public:
  ssize_t sendfile(int, int, off_t, std::size_t) override {
    errno = EINVAL;
    return -1;
  }
};

TEST_P(StreamSocketTest, SendsAFileThatTheSystemCannotSendThroughABuffer) {
  WithoutSendfile system;
  EXPECT_EQ(Simulate(SendsWhole, &system), absl::OkStatus());
}

// The disk, slow: what was not read by pread is in no cache.
class ColdFile final : public SimulatedSystem {
 public:
  ssize_t pread_nowait(int, void*, std::size_t, off_t offset) override {
    if (offset < warm_) return 1;
    errno = EAGAIN;
    return -1;
  }
  ssize_t pread(int fd, void* into, std::size_t size, off_t offset) override {
    const ssize_t got = SimulatedSystem::pread(fd, into, size, offset);
    if (got > 0) warm_ = std::max(warm_, offset + static_cast<off_t>(got));
    return got;
  }
  ssize_t sendfile(int to, int from, off_t offset, std::size_t size) override {
    const ssize_t sent = SimulatedSystem::sendfile(to, from, offset, size);
    cold_ = cold_ || (sent > 0 && offset >= warm_);
    return sent;
  }
  bool waited_for_the_disk() const { return cold_; }

 private:
  off_t warm_ = 0;
  bool cold_ = false;
};

TEST_P(StreamSocketTest, NeverSendsWhatIsNotInTheCacheYet) {
  ColdFile system;

  EXPECT_EQ(Simulate(SendsWhole, &system), absl::OkStatus());

  EXPECT_FALSE(system.waited_for_the_disk());
}

TEST_P(StreamSocketTest, AFileThatCannotBeReadIsTheError) {
  class Broken final : public SimulatedSystem {
   public:
    ssize_t sendfile(int, int, off_t, std::size_t) override {
      errno = EIO;
      return -1;
    }
  };
  Broken system;
  const absl::Status status = Simulate(SendsWhole, &system);

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("sendfile("));
}

// --- Halves -----------------------------------------------------------------

TEST(StreamSocketHalvesTest, HalvesOfAnotherKindOfStreamAreNotReunited) {
  const absl::Status status = Simulate([]() -> Task<absl::Status> {
    auto pair = co_await OrReturn(UnixStream::Pair());
    auto [read, write] = std::move(pair.first).Split();

    const absl::StatusOr<TcpStream> whole =
        TcpStream::Reunite(std::move(read), std::move(write));

    EXPECT_EQ(whole.status().code(), absl::StatusCode::kInvalidArgument);
    co_return absl::OkStatus();
  });

  EXPECT_EQ(status, absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
