// Peer: who is at the other end of a stream. What it is called in errors, and
// by which calls one talks to it.
//
//     TCP connection   an Address         recv, send, recvmsg, sendmsg
//     Unix socket      a path             the same
//     pipe             what it leads to   read, write, readv, writev
//
// The two kinds of calls differ in one thing that matters: to send to a socket
// that nobody reads any more is an error and never a signal.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_PEER_H_
#define WEFT_NET_PEER_H_

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/base/internal/raw_logging.h"
#include "weft/net/address.h"

namespace weft::net {

// Copied for each direction of a stream; a name is shared then.
class Peer {
 public:
  // A socket on the network.
  explicit Peer(const Address& address) noexcept : name_(address) {}

  // A socket of this machine, or a pipe. An empty name is one without a path.
  //
  // Cost: one allocation.
  static Peer Socket(std::string name) {
    return Peer(Calls::kOfSockets, std::move(name));
  }
  static Peer Pipe(std::string name) {
    return Peer(Calls::kOfPipes, std::move(name));
  }

  bool is_socket() const noexcept { return calls_ == Calls::kOfSockets; }
  bool has_address() const noexcept {
    return std::holds_alternative<Address>(name_);
  }

  // Requires: has_address().
  const Address& address() const noexcept {
    const Address* const address = std::get_if<Address>(&name_);
    ABSL_RAW_CHECK(address != nullptr,
                   "only a peer on the network has an address");
    return *address;
  }

  std::string ToString() const {
    if (has_address()) return address().ToString();
    return *std::get<std::shared_ptr<const std::string>>(name_);
  }

 private:
  enum class Calls : bool { kOfSockets, kOfPipes };

  Peer(Calls calls, std::string name)
      : calls_(calls),
        name_(std::make_shared<const std::string>(std::move(name))) {}

  Calls calls_ = Calls::kOfSockets;
  std::variant<Address, std::shared_ptr<const std::string>> name_;
};

}  // namespace weft::net

#endif  // WEFT_NET_PEER_H_
