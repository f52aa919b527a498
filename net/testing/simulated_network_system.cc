// The system calls of a simulated network: those on its own descriptors it
// answers, the others it passes on to the kernel.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "weft/net/testing/address_list.h"
#include "weft/net/testing/simulated_datagrams.h"
#include "weft/net/testing/simulated_network.h"
#include "weft/net/testing/simulated_stream.h"
#include "weft/reactor/system.h"

namespace weft::net::testing {

using ::weft::reactor::CountedMessage;
using ::weft::reactor::Source;
using ::weft::reactor::System;
using ::weft::testing::SimulatedSystem;

namespace {

constexpr int kTypeOfSocket = 0xF;  // Linux puts SOCK_NONBLOCK beside it.

// One buffer as a message.
class Single {
 public:
  Single(const void* buffer, std::size_t size) noexcept
      : part_{const_cast<void*>(buffer), size} {
    message_.msg_iov = &part_;
    message_.msg_iovlen = 1;
  }
  msghdr* get() noexcept { return &message_; }

 private:
  iovec part_;
  msghdr message_{};
};

msghdr Several(const iovec* parts, int count) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
  return message;
}

}  // namespace

SimulatedNetwork::Socket SimulatedNetwork::Find(int fd) const {
  const auto found = sockets_.find(fd);
  return found == sockets_.end() ? nullptr : found->second;
}

int SimulatedNetwork::Install(Socket socket) {
  sockets_.emplace(next_descriptor_, std::move(socket));
  return next_descriptor_++;
}

// What costs no time happens before errno is set: events call a great deal.
template <typename Result>
Result SimulatedNetwork::Settle(Result result) {
  RunEvents();
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

// --- Any descriptor ---------------------------------------------------------

bool SimulatedNetwork::watch(int fd, Source& source) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::watch(fd, source);
  socket->Watch(source);
  return true;
}

int SimulatedNetwork::close(int fd) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::close(fd);
  sockets_.erase(fd);
  socket->Close();
  return Settle(0);
}

ssize_t SimulatedNetwork::read(int fd, void* buffer, std::size_t size) {
  if (Find(fd) == nullptr) return SimulatedSystem::read(fd, buffer, size);
  return recv(fd, buffer, size, 0);
}

ssize_t SimulatedNetwork::write(int fd, const void* buffer, std::size_t size) {
  if (Find(fd) == nullptr) return SimulatedSystem::write(fd, buffer, size);
  return send(fd, buffer, size, 0);
}

ssize_t SimulatedNetwork::readv(int fd, const iovec* parts, int count) {
  if (Find(fd) == nullptr) return SimulatedSystem::readv(fd, parts, count);
  msghdr message = Several(parts, count);
  return recvmsg(fd, &message, 0);
}

ssize_t SimulatedNetwork::writev(int fd, const iovec* parts, int count) {
  if (Find(fd) == nullptr) return SimulatedSystem::writev(fd, parts, count);
  const msghdr message = Several(parts, count);
  return sendmsg(fd, &message, 0);
}

int SimulatedNetwork::fcntl(int fd, int command, int argument) {
  if (Find(fd) == nullptr) return SimulatedSystem::fcntl(fd, command, argument);
  switch (command) {
    case F_GETFL:
      return O_RDWR | O_NONBLOCK;
    case F_GETFD:
      return FD_CLOEXEC;
    case F_SETFL:
    case F_SETFD:
      return 0;
    default:
      return Settle(-EINVAL);
  }
}

int SimulatedNetwork::ioctl(int fd, unsigned long request, void* argument) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::ioctl(fd, request, argument);
  if (request != FIONREAD) return Settle(-ENOTTY);
  *static_cast<int*>(argument) = static_cast<int>(socket->Waiting());
  return 0;
}

// --- Sockets ----------------------------------------------------------------

int SimulatedNetwork::socket(int domain, int type, int protocol) {
  const int kind = type & kTypeOfSocket;
  const bool ours = (domain == AF_INET || domain == AF_INET6) &&
                    (kind == SOCK_STREAM || kind == SOCK_DGRAM);
  if (!ours) return SimulatedSystem::socket(domain, type, protocol);
  const HostId* const placed = place_.Get();
  const auto host = placed == nullptr ? std::nullopt : std::optional(*placed);
  const bool ipv6 = domain == AF_INET6;
  if (kind == SOCK_STREAM) {
    return Install(std::make_shared<StreamSocket>(fabric_, ipv6, host));
  }
  return Install(std::make_shared<DatagramSocket>(fabric_, ipv6, host));
}

int SimulatedNetwork::bind(int fd, const sockaddr* address, socklen_t size) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::bind(fd, address, size);
  const std::optional<Address> name = AddressFrom(address, size);
  return Settle(name.has_value() ? socket->Bind(*name) : -EAFNOSUPPORT);
}

int SimulatedNetwork::listen(int fd, int backlog) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::listen(fd, backlog);
  return Settle(socket->Listen(backlog));
}

int SimulatedNetwork::accept(int fd, sockaddr* address, socklen_t* size) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::accept(fd, address, size);
  int error = 0;
  Address peer;
  Socket connection = socket->Accept(peer, error);
  if (connection == nullptr) return Settle(-error);
  if (address != nullptr) WriteAddress(peer, address, *size);
  return Settle(Install(std::move(connection)));
}

int SimulatedNetwork::connect(int fd, const sockaddr* address, socklen_t size) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::connect(fd, address, size);
  if (address->sa_family == AF_UNSPEC) return Settle(socket->Disconnect());
  const std::optional<Address> peer = AddressFrom(address, size);
  return Settle(peer.has_value() ? socket->Connect(*peer) : -EAFNOSUPPORT);
}

int SimulatedNetwork::getsockopt(int fd, int level, int name, void* value,
                                 socklen_t* size) {
  const Socket socket = Find(fd);
  if (socket == nullptr) {
    return SimulatedSystem::getsockopt(fd, level, name, value, size);
  }
  std::string bytes;
  const int result = socket->GetOption(level, name, bytes);
  *size = std::min(*size, static_cast<socklen_t>(bytes.size()));
  std::memcpy(value, bytes.data(), *size);
  return Settle(result);
}

int SimulatedNetwork::setsockopt(int fd, int level, int name, const void* value,
                                 socklen_t size) {
  const Socket socket = Find(fd);
  if (socket == nullptr) {
    return SimulatedSystem::setsockopt(fd, level, name, value, size);
  }
  const std::string_view bytes(static_cast<const char*>(value), size);
  return Settle(socket->SetOption(level, name, bytes));
}

int SimulatedNetwork::getsockname(int fd, sockaddr* address, socklen_t* size) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::getsockname(fd, address, size);
  WriteAddress(socket->local(), address, *size);
  return 0;
}

int SimulatedNetwork::getpeername(int fd, sockaddr* address, socklen_t* size) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::getpeername(fd, address, size);
  const std::optional<Address> peer = socket->peer();
  if (!peer.has_value()) return Settle(-ENOTCONN);
  WriteAddress(*peer, address, *size);
  return 0;
}

int SimulatedNetwork::shutdown(int fd, int how) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::shutdown(fd, how);
  return Settle(socket->Shutdown(how));
}

// --- Data -------------------------------------------------------------------

ssize_t SimulatedNetwork::recv(int fd, void* buffer, std::size_t size,
                               int flags) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::recv(fd, buffer, size, flags);
  return Settle(socket->Receive(*Single(buffer, size).get(), flags));
}

ssize_t SimulatedNetwork::send(int fd, const void* buffer, std::size_t size,
                               int flags) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::send(fd, buffer, size, flags);
  return Settle(socket->Send(*Single(buffer, size).get(), flags));
}

ssize_t SimulatedNetwork::recvmsg(int fd, msghdr* message, int flags) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::recvmsg(fd, message, flags);
  return Settle(socket->Receive(*message, flags));
}

ssize_t SimulatedNetwork::sendmsg(int fd, const msghdr* message, int flags) {
  const Socket socket = Find(fd);
  if (socket == nullptr) return SimulatedSystem::sendmsg(fd, message, flags);
  return Settle(socket->Send(*message, flags));
}

int SimulatedNetwork::recvmmsg(int fd, CountedMessage* messages,
                               unsigned int count, int flags) {
  if (Find(fd) == nullptr) {
    return SimulatedSystem::recvmmsg(fd, messages, count, flags);
  }
  for (unsigned int i = 0; i < count; ++i) {
    const ssize_t got = recvmsg(fd, &messages[i].header, flags);
    if (got < 0) return i > 0 ? static_cast<int>(i) : -1;
    messages[i].length = static_cast<unsigned int>(got);
  }
  return static_cast<int>(count);
}

int SimulatedNetwork::sendmmsg(int fd, CountedMessage* messages,
                               unsigned int count, int flags) {
  if (Find(fd) == nullptr) {
    return SimulatedSystem::sendmmsg(fd, messages, count, flags);
  }
  for (unsigned int i = 0; i < count; ++i) {
    const ssize_t sent = sendmsg(fd, &messages[i].header, flags);
    if (sent < 0) return i > 0 ? static_cast<int>(i) : -1;
    messages[i].length = static_cast<unsigned int>(sent);
  }
  return static_cast<int>(count);
}

// By a piece at most: callers of sendfile loop.
ssize_t SimulatedNetwork::sendfile(int to, int from, off_t offset,
                                   std::size_t size) {
  if (Find(to) == nullptr) {
    return SimulatedSystem::sendfile(to, from, offset, size);
  }
  constexpr std::size_t kPiece = 64 << 10;
  std::vector<char> piece(std::min(size, kPiece));
  const ssize_t got = pread(from, piece.data(), piece.size(), offset);
  if (got <= 0) return got;
  return send(to, piece.data(), static_cast<std::size_t>(got), 0);
}

// What splice(2) says of descriptors that cannot: whoever asks has another way.
ssize_t SimulatedNetwork::splice(int from, int to, std::size_t size) {
  if (Find(from) == nullptr && Find(to) == nullptr) {
    return SimulatedSystem::splice(from, to, size);
  }
  return Settle(ssize_t{-EINVAL});
}

// --- Names ------------------------------------------------------------------

int SimulatedNetwork::getaddrinfo(const char* host, const char* service,
                                  const addrinfo* hints, addrinfo** out) {
  AdvanceTo(now() + lookup_time_);
  const std::vector<Address> addresses = names_.Find(host);
  if (addresses.empty()) return EAI_NONAME;
  std::uint16_t port = 0;
  const int answer = PortOf(service, hints, port);
  if (answer == 0) *out = MakeAddressList(addresses, port);
  return answer;
}

void SimulatedNetwork::freeaddrinfo(addrinfo* list) { FreeAddressList(list); }

// Without a host to look for the kernel's own asks nobody: it reads a file.
int SimulatedNetwork::PortOf(const char* service, const addrinfo* hints,
                             std::uint16_t& port) {
  if (service == nullptr) return 0;
  addrinfo* list = nullptr;
  const int answer =
      SimulatedSystem::getaddrinfo(nullptr, service, hints, &list);
  if (answer != 0) return answer;
  port =
      AddressFrom(list->ai_addr, list->ai_addrlen).value_or(Address()).port();
  SimulatedSystem::freeaddrinfo(list);
  return 0;
}

}  // namespace weft::net::testing
