// How many datagrams a second go over the loopback, and what does it help to
// hand the system several at once?
//
//     one         a call for each: send, and receive
//     batch32     a call for 32: sendmmsg and recvmmsg
//     segments32  32 as one block of bytes, both ways (UDP_SEGMENT, UDP_GRO)
//
// Datagrams have 1200 bytes. One task sends 32 and then receives them, over and
// over, so that none is dropped and nobody waits: what is counted is the work
// and not the scheduling. The floor is the system calls alone, on the
// benchmark's own thread.
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmark/benchmark.h"
#include "weft/bench/runtime/block_on.h"
#include "weft/net/address.h"
#include "weft/net/datagram_segments.h"
#include "weft/net/socket.h"
#include "weft/net/udp_socket.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/task.h"

namespace weft::bench {
namespace {

using net::IncomingDatagram;
using net::OutgoingDatagram;
using net::SegmentControl;
using reactor::CountedMessage;
using reactor::Fd;
using reactor::System;

constexpr std::size_t kSize = 1200;
constexpr std::size_t kAtOnce = 32;
constexpr std::size_t kBlock = kAtOnce * kSize;
constexpr std::int64_t kRounds = 1000;
constexpr std::int64_t kDatagrams = kRounds * std::int64_t{kAtOnce};

enum class How { kOne, kBatch, kSegments };

// What is sent, and room for what comes.
struct Buffers {
  std::vector<std::byte> out = std::vector<std::byte>(kBlock);
  std::vector<std::byte> in = std::vector<std::byte>(65536);

  std::span<const std::byte> Sent(std::size_t i) const {
    return std::span(out).subspan(i * kSize, kSize);
  }
  std::span<std::byte> Room(std::size_t i) {
    return std::span(in).subspan(i * kSize, kSize);
  }
};

// --- weft -------------------------------------------------------------------

struct Pair {
  net::UdpSocket sender;
  net::UdpSocket receiver;
};

Task<absl::Status> OneByOne(Pair& pair, Buffers& buffers) {
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    co_await OrReturn(pair.sender.Send(buffers.Sent(i)));
  }
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    co_await OrReturn(pair.receiver.Receive(buffers.Room(i)));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> InBatches(Pair& pair, Buffers& buffers) {
  std::array<OutgoingDatagram, kAtOnce> out;
  std::array<IncomingDatagram, kAtOnce> in;
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    out[i].bytes = buffers.Sent(i);
    in[i].into = buffers.Room(i);
  }
  const std::size_t sent = co_await OrReturn(pair.sender.SendBatch(out));
  const std::size_t got = co_await OrReturn(pair.receiver.ReceiveBatch(in));
  ABSL_RAW_CHECK(sent == kAtOnce && got == kAtOnce, "not all of a batch");
  co_return absl::OkStatus();
}

Task<absl::Status> InSegments(Pair& pair, Buffers& buffers) {
  co_await OrReturn(pair.sender.SendSegments(buffers.out, kSize));
  const net::Received got =
      co_await OrReturn(pair.receiver.Receive(buffers.in));
  ABSL_RAW_CHECK(got.size == kBlock, "not all of the segments");
  co_return absl::OkStatus();
}

Task<absl::StatusOr<bool>> HasSegments() {
  auto socket = co_await OrReturn(net::UdpSocket::Bind("127.0.0.1:0"));
  co_return socket.SendsSegments();
}

Task<absl::Status> Exchange(How how) {
  auto sender = co_await OrReturn(net::UdpSocket::Bind("127.0.0.1:0"));
  auto receiver = co_await OrReturn(net::UdpSocket::Bind("127.0.0.1:0"));
  Pair pair{.sender = std::move(sender), .receiver = std::move(receiver)};
  Buffers buffers;
  co_await OrReturn(pair.sender.Connect(pair.receiver.local_address()));
  if (how == How::kSegments) {
    co_await OrReturn(pair.receiver.SetCoalescing(true));
  }
  for (std::int64_t round = 0; round < kRounds; ++round) {
    if (how == How::kOne) co_await OrReturn(OneByOne(pair, buffers));
    if (how == How::kBatch) co_await OrReturn(InBatches(pair, buffers));
    if (how == How::kSegments) co_await OrReturn(InSegments(pair, buffers));
  }
  co_return absl::OkStatus();
}

void WeftSend(benchmark::State& state, How how) {
  Runtime runtime({.workers = 1});
  const absl::StatusOr<bool> has = runtime.BlockOn(HasSegments());
  MustBeOk(has.status());
  if (how == How::kSegments && !*has) {
    state.SkipWithError("this system has no segments");
  }
  while (state.KeepRunningBatch(kDatagrams)) {
    MustBeOk(runtime.BlockOn(Exchange(how)));
  }
  state.SetItemsProcessed(state.iterations());
}

// --- The floor --------------------------------------------------------------

class PlainPair {
 public:
  PlainPair() {
    const net::Address::SystemForm to =
        net::LocalAddressOf(System::Kernel(), receiver.get())->ToSystem();
    ABSL_RAW_CHECK(
        System::Kernel().connect(sender.get(), to.get(), to.size()) == 0,
        "no connection");
  }

  const Fd sender = Bound();
  const Fd receiver = Bound();

 private:
  static Fd Bound() {
    const net::Address address = net::Address::Loopback(0);
    absl::StatusOr<Fd> fd = net::OpenUdpSocket(System::Kernel(), address);
    MustBeOk(fd.status());
    MustBeOk(net::BindSocket(System::Kernel(), fd->get(), address));
    return *std::move(fd);
  }
};

void FloorOne(const PlainPair& pair, Buffers& buffers) {
  System& system = System::Kernel();
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    const auto bytes = buffers.Sent(i);
    system.send(pair.sender.get(), bytes.data(), kSize, 0);
  }
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    const auto room = buffers.Room(i);
    const ssize_t got = system.recv(pair.receiver.get(), room.data(), kSize, 0);
    ABSL_RAW_CHECK(got == static_cast<ssize_t>(kSize), "a datagram is lost");
  }
}

void FloorBatch(const PlainPair& pair, Buffers& buffers) {
  System& system = System::Kernel();
  std::array<iovec, 2 * kAtOnce> parts;
  std::array<CountedMessage, 2 * kAtOnce> messages{};
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    parts[i] = {const_cast<std::byte*>(buffers.Sent(i).data()), kSize};
    parts[kAtOnce + i] = {buffers.Room(i).data(), kSize};
  }
  for (std::size_t i = 0; i < 2 * kAtOnce; ++i) {
    messages[i].header.msg_iov = &parts[i];
    messages[i].header.msg_iovlen = 1;
  }
  system.sendmmsg(pair.sender.get(), messages.data(), kAtOnce, 0);
  const int got =
      system.recvmmsg(pair.receiver.get(), &messages[kAtOnce], kAtOnce, 0);
  ABSL_RAW_CHECK(got == int{kAtOnce}, "a datagram is lost");
}

void FloorSegments(const PlainPair& pair, Buffers& buffers) {
  System& system = System::Kernel();
  SegmentControl control;
  iovec part = {buffers.out.data(), kBlock};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  const int error = control.Request(message, kSize);
  ABSL_RAW_CHECK(error == 0, "no segments");
  system.sendmsg(pair.sender.get(), &message, 0);
  const ssize_t got =
      system.recv(pair.receiver.get(), buffers.in.data(), buffers.in.size(), 0);
  ABSL_RAW_CHECK(got == static_cast<ssize_t>(kBlock), "a segment is lost");
}

void FloorSend(benchmark::State& state, How how) {
  const PlainPair pair;
  Buffers buffers;
  if (how == How::kSegments &&
      !net::SetCoalescing(System::Kernel(), pair.receiver.get(), true)) {
    state.SkipWithError("this system has no segments");
  }
  while (state.KeepRunningBatch(kDatagrams)) {
    for (std::int64_t round = 0; round < kRounds; ++round) {
      if (how == How::kOne) FloorOne(pair, buffers);
      if (how == How::kBatch) FloorBatch(pair, buffers);
      if (how == How::kSegments) FloorSegments(pair, buffers);
    }
  }
  state.SetItemsProcessed(state.iterations());
}

void AsOurs(benchmark::internal::Benchmark* row) {
  row->MeasureProcessCPUTime()->UseRealTime();
}
BENCHMARK_CAPTURE(WeftSend, one, How::kOne)
    ->Name("net/udp_send/weft/one")
    ->Apply(AsOurs);
BENCHMARK_CAPTURE(WeftSend, batch32, How::kBatch)
    ->Name("net/udp_send/weft/batch32")
    ->Apply(AsOurs);
BENCHMARK_CAPTURE(WeftSend, segments32, How::kSegments)
    ->Name("net/udp_send/weft/segments32")
    ->Apply(AsOurs);
BENCHMARK_CAPTURE(FloorSend, one, How::kOne)
    ->Name("net/udp_send/floor/one")
    ->Apply(AsOurs);
BENCHMARK_CAPTURE(FloorSend, batch32, How::kBatch)
    ->Name("net/udp_send/floor/batch32")
    ->Apply(AsOurs);
BENCHMARK_CAPTURE(FloorSend, segments32, How::kSegments)
    ->Name("net/udp_send/floor/segments32")
    ->Apply(AsOurs);

}  // namespace
}  // namespace weft::bench
