// Names, options and messages.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/simulated_socket.h"

#include <netinet/in.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>

namespace weft::net::testing {
namespace {

// What a socket has that nobody has asked for more: as much as lets a reader
// and a writer take turns, and few enough to be filled in a test.
constexpr std::size_t kBuffer = 256 << 10;

// macOS has a second one, which counts seconds; drop when the systems agree.
#ifdef SO_LINGER_SEC
constexpr std::array kLingerNames = {SO_LINGER, SO_LINGER_SEC};
#else
constexpr std::array kLingerNames = {SO_LINGER};
#endif

template <typename Value>
std::string BytesOf(const Value& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}

// Zero where there are fewer bytes than that.
template <typename Value>
Value ValueOf(std::string_view bytes) {
  Value value{};
  if (bytes.size() >= sizeof(value)) {
    std::memcpy(&value, bytes.data(), sizeof(value));
  }
  return value;
}

// By the names of each version of IP, and by those of RFC 3678 for both.
bool JoinsAGroup(int level, int name) {
  if (level != IPPROTO_IP && level != IPPROTO_IPV6) return false;
  if (name == MCAST_JOIN_GROUP || name == MCAST_JOIN_SOURCE_GROUP) return true;
  if (level == IPPROTO_IPV6) return name == IPV6_JOIN_GROUP;
  return name == IP_ADD_MEMBERSHIP || name == IP_ADD_SOURCE_MEMBERSHIP;
}

// Multicast; IPv4 on a socket of IPv6; and what UDP has of its own, which on
// Linux is to pass several datagrams as one (udp(7), UDP_SEGMENT and UDP_GRO).
bool IsBeyondUs(int level, int name, std::string_view value) {
  if (level == IPPROTO_UDP || JoinsAGroup(level, name)) return true;
  if (level != IPPROTO_IPV6 || name != IPV6_V6ONLY) return false;
  return ValueOf<int>(value) == 0;
}

}  // namespace

SimulatedSocket::SimulatedSocket(Fabric& fabric, Transport transport, bool ipv6,
                                 std::optional<HostId> host)
    : fabric_(fabric),
      local_(ipv6 ? Address::AnyIpv6(0) : Address::Any(0)),
      transport_(transport),
      ipv6_(ipv6),
      host_(host) {}

SimulatedSocket::~SimulatedSocket() { ReleasePort(); }

int SimulatedSocket::Disconnect() { return -EAFNOSUPPORT; }

int SimulatedSocket::Listen(int) { return -EOPNOTSUPP; }

std::shared_ptr<SimulatedSocket> SimulatedSocket::Accept(Address&, int& error) {
  error = EOPNOTSUPP;
  return nullptr;
}

// --- Readiness --------------------------------------------------------------

void SimulatedSocket::Watch(reactor::Source& source) {
  source_ = &source;
  Announce();
}

void SimulatedSocket::Announce() {
  if (source_ == nullptr) return;
  const Readiness now = CurrentReadiness();
  source_->Deliver(now.readable, now.writable, now.hang_up);
}

// --- Names ------------------------------------------------------------------

int SimulatedSocket::Bind(const Address& address) {
  if (address.is_ipv6() != ipv6_) return -EAFNOSUPPORT;
  if (local_.port() != 0) return -EINVAL;  // bind(2): it has a name.
  const bool names_a_host = !IsAny(address) && !IsLoopback(address);
  if (!host_.has_value()) {
    host_ =
        names_a_host ? fabric_.hosts.At(address) : fabric_.hosts.Default(ipv6_);
  }
  if (names_a_host && fabric_.hosts.At(address) != *host_) {
    return -EADDRNOTAVAIL;
  }
  return Claim(address);
}

int SimulatedSocket::Claim(const Address& address) {
  Address claimed = address;
  if (claimed.port() == 0) {
    const auto port = fabric_.ports.Free(*host_, transport_);
    if (!port.has_value()) return -EADDRINUSE;
    claimed = claimed.WithPort(*port);
  }
  if (!fabric_.ports.Bind(ClaimOf(claimed))) return -EADDRINUSE;
  local_ = claimed;
  return 0;
}

VirtualPorts::Claim SimulatedSocket::ClaimOf(const Address& address) {
  return {.host = *host_,
          .transport = transport_,
          .address = address,
          .reuse_address = flag(SO_REUSEADDR),
          .reuse_port = flag(SO_REUSEPORT),
          .socket = this};
}

void SimulatedSocket::ReleasePort() {
  if (host_.has_value()) fabric_.ports.Release(ClaimOf(local_));
}

bool SimulatedSocket::MayListen() {
  return fabric_.ports.MayListen(ClaimOf(local_));
}

int SimulatedSocket::BindToward(const Address& peer, Address& local) {
  if (peer.is_ipv6() != ipv6_) return -EAFNOSUPPORT;
  if (!host_.has_value()) host_ = fabric_.hosts.Default(ipv6_);
  const std::optional<Address> name = fabric_.hosts.Toward(*host_, peer);
  if (!name.has_value()) return -ENETUNREACH;
  // Linux says so of a socket that is bound to loopback and shall leave it.
  if (IsLoopback(local_) && !IsLoopback(*name)) return -EINVAL;
  if (local_.port() == 0) {
    // At all its addresses, if it is bound to none: with another peer it may
    // have another name.
    const int claimed = Claim(local_);
    if (claimed < 0) return claimed;
  }
  local = IsAny(local_) ? name->WithPort(local_.port()) : local_;
  return 0;
}

void SimulatedSocket::Inherit(const SimulatedSocket& listener) {
  options_ = listener.options_;
}

// --- Options ----------------------------------------------------------------

// One that means nothing here is remembered all the same: what a program sets
// it can read back. But not what would change what arrives.
int SimulatedSocket::SetOption(int level, int name, std::string_view value) {
  if (IsBeyondUs(level, name, value)) return -ENOPROTOOPT;
  options_[OptionName(level, name)] = std::string(value);
  OptionChanged();
  return 0;
}

int SimulatedSocket::GetOption(int level, int name, std::string& value) {
  if (level != SOL_SOCKET) {
    value = BytesOf(IntOption(level, name));
    return 0;
  }
  switch (name) {
    case SO_ERROR:
      value = BytesOf(TakeError());
      return 0;
    case SO_TYPE:
      value = BytesOf(
          int{transport_ == Transport::kStream ? SOCK_STREAM : SOCK_DGRAM});
      return 0;
    case SO_SNDBUF:
      value = BytesOf(static_cast<int>(send_buffer()));
      return 0;
    case SO_RCVBUF:
      value = BytesOf(static_cast<int>(receive_buffer()));
      return 0;
    case SO_ACCEPTCONN:
      value = BytesOf(int{listens()});
      return 0;
    default:
      break;
  }
  const auto found = options_.find(OptionName(level, name));
  value = found == options_.end() ? BytesOf(0) : found->second;
  return 0;
}

int SimulatedSocket::IntOption(int level, int name) const {
  const auto found = options_.find(OptionName(level, name));
  return found == options_.end() ? 0 : ValueOf<int>(found->second);
}

std::size_t SimulatedSocket::send_buffer() const {
  const int asked = IntOption(SOL_SOCKET, SO_SNDBUF);
  return asked > 0 ? static_cast<std::size_t>(asked) : kBuffer;
}

std::size_t SimulatedSocket::receive_buffer() const {
  const int asked = IntOption(SOL_SOCKET, SO_RCVBUF);
  return asked > 0 ? static_cast<std::size_t>(asked) : kBuffer;
}

bool SimulatedSocket::closes_at_once() const {
  for (const int name : kLingerNames) {
    const auto found = options_.find(OptionName(SOL_SOCKET, name));
    if (found == options_.end()) continue;
    const auto asked = ValueOf<linger>(found->second);
    if (asked.l_onoff != 0 && asked.l_linger == 0) return true;
  }
  return false;
}

// --- Messages ---------------------------------------------------------------

std::vector<std::span<std::byte>> RoomIn(const msghdr& message) {
  std::vector<std::span<std::byte>> parts;
  // Its type differs between systems.
  const auto count = static_cast<std::size_t>(message.msg_iovlen);
  for (const iovec& part : std::span(message.msg_iov, count)) {
    parts.emplace_back(static_cast<std::byte*>(part.iov_base), part.iov_len);
  }
  return parts;
}

std::size_t SizeOf(const msghdr& message) {
  std::size_t size = 0;
  for (const std::span<std::byte> part : RoomIn(message)) size += part.size();
  return size;
}

std::vector<std::byte> Gather(const msghdr& message, std::size_t most) {
  std::vector<std::byte> bytes;
  bytes.reserve(std::min(most, SizeOf(message)));
  for (std::span<const std::byte> part : RoomIn(message)) {
    part = part.first(std::min(part.size(), most - bytes.size()));
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  return bytes;
}

std::optional<Address> AddressFrom(const void* name, socklen_t size) {
  Address::SystemForm form;
  if (name == nullptr || size > form.size()) return std::nullopt;
  std::memcpy(form.get(), name, size);
  *form.size_to_fill() = size;
  const absl::StatusOr<Address> address = Address::FromSystem(form);
  if (!address.ok()) return std::nullopt;
  return *address;
}

void WriteAddress(const Address& address, void* name, socklen_t& size) {
  const Address::SystemForm form = address.ToSystem();
  std::memcpy(name, form.get(), std::min(size, form.size()));
  size = form.size();
}

}  // namespace weft::net::testing
