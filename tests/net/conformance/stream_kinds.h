// The kinds of stream that the conformance suites run on: each makes connected
// pairs, and says in what it may differ from the others.
//
//     kind                 its pairs are                 on
//     KernelTcpKind        TCP connections               the loopback interface
//     SimulatedTcpKind     the same                      two simulated hosts
//     KernelUnixKind       Unix sockets                  the kernel
//     KernelPipeKind       a pipe each way               the kernel
//     MemoryKind           two BytePipes                 nothing
//
// Those of TLS are in tests/net/tls/tls_kinds.h. All buffers are small, so that
// whoever writes has to wait soon.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_STREAM_KINDS_H_
#define WEFT_TESTS_NET_CONFORMANCE_STREAM_KINDS_H_

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/memory_stream.h"
#include "weft/net/pipe.h"
#include "weft/net/stream.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/testing/simulated_network.h"
#include "weft/net/unix_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/when_all.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {

// Much less than what the suites write where somebody is to wait.
inline constexpr int kSmallBuffer = 32 << 10;

template <ByteStream S>
struct StreamPair {
  S client;
  S server;
};

template <typename Kind>
using PairOf = StreamPair<typename Kind::Stream>;

// What most kinds have in common.
template <ByteStream S>
class EasyKind {
 public:
  using Stream = S;
  using Pairs = Task<absl::StatusOr<StreamPair<S>>>;

  // What a write says after one's own end.
  static constexpr auto kWriteAfterEnd = absl::StatusCode::kUnavailable;
  // What a read says when the peer has closed without saying that it ends: OK
  // for the end.
  static constexpr auto kReadAfterClose = absl::StatusCode::kOk;

  // The peer reads the end.
  static Task<absl::Status> End(S& stream) { co_return stream.ShutdownWrite(); }
  static void Close(S& stream) { stream.Close(); }

  weft::testing::SimulatedSystem& system() { return system_; }
  // What is open and not given back yet.
  int CountOpen() const { return weft::testing::OpenDescriptors(); }

 private:
  weft::testing::SimulatedSystem system_;
};

// For names of tests.
class KindName {
 public:
  template <typename Kind>
  static std::string GetName(int) {
    return Kind::kName;
  }
};

// --- TCP --------------------------------------------------------------------

class KernelTcpKind : public EasyKind<TcpStream> {
 public:
  static constexpr char kName[] = "KernelTcp";

  static Pairs Connect() {
    TcpPair pair = co_await OrReturn(ConnectPair());
    co_await OrReturn(pair.client.SetSendBufferSize(kSmallBuffer));
    co_await OrReturn(pair.server.SetSendBufferSize(kSmallBuffer));
    // Otherwise a small write waits 40 milliseconds for the answer to the last.
    co_await OrReturn(pair.client.SetNoDelay(true));
    co_await OrReturn(pair.server.SetNoDelay(true));
    co_return StreamPair<TcpStream>{std::move(pair.client),
                                    std::move(pair.server)};
  }
};

// Between two hosts, ten milliseconds apart.
class SimulatedTcpKind : public EasyKind<TcpStream> {
 public:
  static constexpr char kName[] = "SimulatedTcp";

  Pairs Connect() {
    auto both = co_await WhenAll(network_.OnHost("10.0.0.1", AcceptOne()),
                                 network_.OnHost("10.0.0.2", ConnectOne()));
    auto [server, client] = std::move(both);
    if (!server.ok()) co_return std::move(server).status();
    if (!client.ok()) co_return std::move(client).status();
    co_await OrReturn(client->SetSendBufferSize(kSmallBuffer));
    co_await OrReturn(server->SetSendBufferSize(kSmallBuffer));
    co_return StreamPair<TcpStream>{*std::move(client), *std::move(server)};
  }

  weft::testing::SimulatedSystem& system() { return network_; }
  int CountOpen() const { return static_cast<int>(network_.open_sockets()); }

 private:
  static Task<absl::StatusOr<TcpStream>> AcceptOne() {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("10.0.0.1:80"));
    co_return co_await listener.Accept();
  }
  static Task<absl::StatusOr<TcpStream>> ConnectOne() {
    return TcpStream::Connect("10.0.0.1:80");
  }

  testing::SimulatedNetwork network_{
      {.links = {.latency = absl::Milliseconds(10)}}};
};

// --- What stays within this machine -----------------------------------------

class KernelUnixKind : public EasyKind<UnixStream> {
 public:
  static constexpr char kName[] = "KernelUnix";

  static Pairs Connect() {
    auto pair = co_await OrReturn(UnixStream::Pair());
    co_await OrReturn(pair.first.SetSendBufferSize(kSmallBuffer));
    co_await OrReturn(pair.second.SetSendBufferSize(kSmallBuffer));
    co_return StreamPair<UnixStream>{std::move(pair.first),
                                     std::move(pair.second)};
  }
};

// A pipe each way, held as one.
class PipeStream {
 public:
  PipeStream(PipeReader in, PipeWriter out) noexcept
      : in_(std::move(in)), out_(std::move(out)) {}

  auto Read(std::span<std::byte> into) noexcept { return in_.Read(into); }
  auto Write(std::span<const std::byte> from) noexcept {
    return out_.Write(from);
  }
  auto WriteVectored(ByteParts parts) noexcept {
    return out_.WriteVectored(parts);
  }
  Tried TryRead(std::span<std::byte> into) { return in_.TryRead(into); }
  Tried TryWrite(std::span<const std::byte> from) {
    return out_.TryWrite(from);
  }
  absl::Status ShutdownWrite() {
    out_.Close();
    return absl::OkStatus();
  }
  void Close() noexcept {
    in_.Close();
    out_.Close();
  }

 private:
  PipeReader in_;
  PipeWriter out_;
};

class KernelPipeKind : public EasyKind<PipeStream> {
 public:
  static constexpr char kName[] = "KernelPipe";
  // Its end is closed.
  static constexpr auto kWriteAfterEnd = absl::StatusCode::kFailedPrecondition;

  static Pairs Connect() {
    Pipe there = co_await OrReturn(MakePipe());
    Pipe back = co_await OrReturn(MakePipe());
    co_return StreamPair<PipeStream>{
        PipeStream(std::move(back.reader), std::move(there.writer)),
        PipeStream(std::move(there.reader), std::move(back.writer))};
  }
};

class MemoryKind : public EasyKind<MemoryStream> {
 public:
  static constexpr char kName[] = "Memory";

  static Pairs Connect() {
    auto [client, server] = MakeMemoryPipe(kSmallBuffer);
    co_return StreamPair<MemoryStream>{std::move(client), std::move(server)};
  }
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_STREAM_KINDS_H_
