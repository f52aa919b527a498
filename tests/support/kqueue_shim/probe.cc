// The questions of probe.h, as Linux answers them.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/kqueue_shim/probe.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::kqueue_shim {
namespace {

short PollNow(int fd, short interest) {
  pollfd entry{fd, interest, 0};
  return ::poll(&entry, 1, 0) == 1 ? entry.revents : short{0};
}

std::optional<int> SocketOption(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(fd, SOL_SOCKET, name, &value, &size) == -1) return {};
  return value;
}

std::optional<tcp_info> TcpInfo(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == -1) return {};
  return info;
}

int Count(int fd, unsigned long question) {
  int count = 0;
  return ::ioctl(fd, question, &count) == -1 ? 0 : count;
}

bool IsPipe(const struct stat& about) { return S_ISFIFO(about.st_mode); }
bool IsSocket(const struct stat& about) { return S_ISSOCK(about.st_mode); }

// Linux calls a socket hung up that was never connected; the BSDs call it not
// ready.
bool IsFresh(short bits) {
  return (bits & POLLHUP) != 0 && (bits & (POLLRDHUP | POLLERR)) == 0;
}

// shutdown(SHUT_WR) shows in the state of a TCP connection only.
bool HasShutDownWriting(int fd) {
  const std::optional<tcp_info> info = TcpInfo(fd);
  if (!info) return false;
  switch (info->tcpi_state) {
    case TCP_FIN_WAIT1:
    case TCP_FIN_WAIT2:
    case TCP_CLOSING:
    case TCP_LAST_ACK:
    case TCP_TIME_WAIT:
      return true;
    default:
      return false;
  }
}

Readiness ProbeReadSocket(int fd, short bits) {
  Readiness found;
  if (SocketOption(fd, SO_ACCEPTCONN).value_or(0) != 0) {
    found.ready = (bits & POLLIN) != 0;
    const std::optional<tcp_info> info = TcpInfo(fd);
    found.amount = info ? info->tcpi_unacked : found.ready;  // The backlog.
    return found;
  }
  if (IsFresh(bits)) return found;
  found.urgent = (bits & POLLPRI) != 0;
  found.ready =
      found.urgent || (bits & (POLLIN | POLLRDHUP | POLLHUP | POLLERR)) != 0;
  found.ended = (bits & (POLLRDHUP | POLLHUP)) != 0;
  found.broken = found.ended && (bits & POLLERR) != 0;
  found.amount = Count(fd, FIONREAD);
  return found;
}

Readiness ProbeWriteSocket(int fd, short bits) {
  Readiness found;
  if (IsFresh(bits)) return found;
  found.ended = (bits & POLLHUP) != 0 || HasShutDownWriting(fd);
  found.ready = found.ended || (bits & (POLLOUT | POLLERR)) != 0;
  found.broken = found.ended && (bits & POLLERR) != 0;
  found.amount = SocketOption(fd, SO_SNDBUF).value_or(0) - Count(fd, SIOCOUTQ);
  return found;
}

// A file is ready as long as the position is not at its end.
Readiness ProbeReadFile(int fd, const struct stat& about) {
  Readiness found;
  found.amount = about.st_size - ::lseek(fd, 0, SEEK_CUR);
  found.ready = found.amount != 0;
  return found;
}

}  // namespace

Readiness ProbeRead(int fd) {
  struct stat about{};
  if (::fstat(fd, &about) == -1) return {};
  if (S_ISREG(about.st_mode)) return ProbeReadFile(fd, about);
  const short bits = PollNow(fd, POLLIN | POLLRDHUP | POLLPRI);
  if (IsSocket(about)) return ProbeReadSocket(fd, bits);

  Readiness found;
  found.ready = (bits & (POLLIN | POLLHUP | POLLERR)) != 0;
  found.ended = (bits & POLLHUP) != 0;
  found.amount = Count(fd, FIONREAD);
  return found;
}

Readiness ProbeWrite(int fd) {
  struct stat about{};
  if (::fstat(fd, &about) == -1) return {};
  const short bits = PollNow(fd, POLLOUT | POLLRDHUP);
  if (IsSocket(about)) return ProbeWriteSocket(fd, bits);

  Readiness found;
  // Linux calls it an error when the reader of a pipe is gone, and a hang-up
  // when the writer is; either is the end of both directions.
  found.ended = (bits & (POLLERR | POLLHUP)) != 0;
  found.ready = found.ended || (bits & POLLOUT) != 0;
  if (IsPipe(about)) {
    found.amount = ::fcntl(fd, F_GETPIPE_SZ) - Count(fd, FIONREAD);
  }
  return found;
}

bool IsUnconnected(int fd) {
  const std::optional<tcp_info> info = TcpInfo(fd);
  return info &&
         (info->tcpi_state == TCP_SYN_SENT || info->tcpi_state == TCP_CLOSE);
}

bool IsQueue(int fd) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  std::array<char, 64> target{};
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  return size > 0 &&
         std::string_view(target.data(), static_cast<std::size_t>(size)) ==
             "anon_inode:[eventpoll]";
}

}  // namespace weft::kqueue_shim
