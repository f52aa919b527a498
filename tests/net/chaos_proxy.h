// ChaosProxy: stands between one client and a server, and does to their
// connection what a Chaos says.
//
//     client ---- up ----> ChaosProxy ---- up ----> server
//            <--- down ---            <--- down ---
//
// Both directions are copied at the same time, on whatever workers: the one
// that it befalls closes, or resets, under the other.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CHAOS_PROXY_H_
#define WEFT_TESTS_NET_CHAOS_PROXY_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/address.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/sync/event.h"
#include "weft/tests/net/chaos.h"

namespace weft::net {

class ChaosProxy {
 public:
  // Borrows: `client_left`, which ends a stall.
  ChaosProxy(const Chaos& chaos, TcpListener listener, const Address& server,
             sync::Event& client_left)
      : chaos_(chaos),
        listener_(std::move(listener)),
        server_(server),
        client_left_(client_left) {}

  Address address() const { return listener_.local_address(); }
  // Whether the server has been connected to.
  bool has_reached_server() const { return has_reached_server_; }

  // Until both connections have ended. What ends them is no error, whatever
  // the way, unless it is none that is documented.
  Task<absl::Status> Run() {
    if (Befalls(Chaos::Place::kQueued)) co_return co_await BefallQueued();
    TcpStream client = co_await OrReturn(listener_.Accept());
    listener_.Close();
    if (Befalls(Chaos::Place::kAccepted)) {
      co_return Bearable(co_await Befall(client, client));
    }
    // From an address of its own, as the listener has: each has 28,000 ports.
    ConnectOptions options;
    options.source = address().WithPort(0);
    TcpStream server =
        co_await OrReturn(TcpStream::Connect(server_, std::move(options)));
    has_reached_server_ = true;
    const auto [up, down] =
        co_await WhenAll(Copy(client, server, Befalls(Chaos::Place::kUp)),
                         Copy(server, client, Befalls(Chaos::Place::kDown)));
    absl::Status ended = Bearable(up);
    ended.Update(Bearable(down));
    co_return ended;
  }

 private:
  bool Befalls(Chaos::Place place) const {
    return chaos_.deed != Chaos::Deed::kNothing && chaos_.place == place;
  }

  // That a peer has gone, or that the other direction has closed.
  // FAILED_PRECONDITION with an errno would be a call on no socket of ours.
  static absl::Status Bearable(const absl::Status& status) {
    const bool by_us = absl::IsFailedPrecondition(status) &&
                       !reactor::ErrnoOf(status).has_value();
    return by_us || absl::IsUnavailable(status) ? absl::OkStatus() : status;
  }

  // A system resets what is queued where nobody listens any more.
  Task<absl::Status> BefallQueued() {
    co_await OrReturn(SleepFor(chaos_.pause));
    if (chaos_.deed == Chaos::Deed::kStall) {
      co_await OrReturn(client_left_.Wait());
    }
    listener_.Close();
    co_return absl::OkStatus();
  }

  // A direction that has failed takes the other with it.
  Task<absl::Status> Copy(TcpStream& from, TcpStream& to, bool befalls) {
    absl::Status copied = co_await CopyPieces(from, to, befalls);
    if (!copied.ok()) {
      from.Close();
      to.Close();
    }
    co_return copied;
  }

  Task<absl::Status> CopyPieces(TcpStream& from, TcpStream& to, bool befalls) {
    std::vector<std::byte> buffer(chaos_.piece);
    std::size_t left = befalls ? chaos_.after : buffer.max_size();
    while (left > 0) {
      co_await OrReturn(SleepFor(chaos_.pause));
      const std::span<std::byte> room =
          std::span(buffer).first(std::min(left, buffer.size()));
      const std::size_t got = co_await OrReturn(from.Read(room));
      if (got == 0) co_return to.ShutdownWrite();
      co_await OrReturn(to.WriteAll(room.first(got)));
      left -= got;
    }
    co_return co_await Befall(from, to);
  }

  Task<absl::Status> Befall(TcpStream& from, TcpStream& to) {
    if (chaos_.deed == Chaos::Deed::kHalfClose) {
      co_await OrReturn(to.ShutdownWrite());
      co_return co_await ThrowAway(from);
    }
    if (chaos_.deed == Chaos::Deed::kStall) {
      co_await OrReturn(client_left_.Wait());
    }
    if (chaos_.deed == Chaos::Deed::kReset) {
      from.Abort();
      to.Abort();
    }
    from.Close();
    to.Close();
    co_return absl::OkStatus();
  }

  static Task<absl::Status> ThrowAway(TcpStream& from) {
    std::vector<std::byte> buffer(1000);
    std::size_t got = 1;
    while (got > 0) got = co_await OrReturn(from.Read(std::span(buffer)));
    co_return absl::OkStatus();
  }

  const Chaos chaos_;
  TcpListener listener_;
  const Address server_;
  sync::Event& client_left_;
  bool has_reached_server_ = false;
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CHAOS_PROXY_H_
