// Files of sockets: whose they are, and whether anybody is behind them.
//
// SPDX-License-Identifier: MIT

#include "weft/net/bound_path.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "weft/net/peer.h"
#include "weft/net/socket.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"

namespace weft::net {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::System;

// A socket's file, and nobody who listens: a connect is refused. Where a queue
// is full, or one may not connect, somebody is there.
bool IsStale(System& system, const UnixAddress& address, struct stat& about) {
  if (system.lstat(address.ToString().c_str(), &about) != 0 ||
      !S_ISSOCK(about.st_mode)) {
    return false;
  }
  // A datagram socket refuses a stream, with EPROTOTYPE, while it lives.
  const Fd probe(system.socket(AF_UNIX, SOCK_STREAM, 0), system);
  if (!probe) return false;
  const UnixAddress::SystemForm form = address.ToSystem();
  const int connected = reactor::RetryInterrupted(
      [&] { return system.connect(probe.get(), form.get(), form.size()); });
  return connected == -1 && errno == ECONNREFUSED;
}

// Requires: the claim to the path. Still looks twice, for those who claim none.
void RemoveIfStale(System& system, const UnixAddress& address) {
  struct stat stale{};
  struct stat now{};
  const std::string path = address.ToString();
  if (!IsStale(system, address, stale) ||
      system.lstat(path.c_str(), &now) != 0) {
    return;
  }
  // Another's by now, who has found it stale as well.
  if (now.st_dev != stale.st_dev || now.st_ino != stale.st_ino) return;
  system.unlink(path.c_str());
}

}  // namespace

BoundPath::BoundPath(System& system, const UnixAddress& address)
    : system_(&system) {
  struct stat about{};
  if (!address.is_path() ||
      system.lstat(address.ToString().c_str(), &about) != 0) {
    return;
  }
  path_ = address.ToString();
  device_ = about.st_dev;
  number_ = about.st_ino;
  // relaxed: nobody else knows it yet.
  ours_.store(true, std::memory_order_relaxed);
}

BoundPath::BoundPath(BoundPath&& other) noexcept
    : system_(other.system_),
      path_(std::move(other.path_)),
      device_(other.device_),
      number_(other.number_) {
  const bool ours = other.ours_.exchange(false, std::memory_order_acq_rel);
  // relaxed: nobody else knows it yet.
  ours_.store(ours, std::memory_order_relaxed);
}

BoundPath& BoundPath::operator=(BoundPath&& other) noexcept {
  if (this == &other) return *this;
  Remove();
  system_ = other.system_;
  path_ = std::move(other.path_);
  device_ = other.device_;
  number_ = other.number_;
  const bool ours = other.ours_.exchange(false, std::memory_order_acq_rel);
  ours_.store(ours, std::memory_order_release);
  return *this;
}

void BoundPath::Remove() noexcept {
  if (!ours_.exchange(false, std::memory_order_acq_rel)) return;
  struct stat about{};
  if (system_->lstat(path_.c_str(), &about) != 0) return;
  if (about.st_dev != device_ || about.st_ino != number_) return;
  system_->unlink(path_.c_str());  // In vain: then it is as without us.
}

void BoundPath::Leave() noexcept {
  ours_.exchange(false, std::memory_order_acq_rel);
}

absl::StatusOr<PathClaim> BindUnix(System& system, int fd,
                                   const UnixAddress& address,
                                   bool replace_stale) {
  // Also for the first try, which leaves a socket that does not listen yet.
  absl::StatusOr<PathClaim> claim =
      replace_stale ? PathClaim::Take(system, address) : PathClaim();
  if (!claim.ok()) return claim;
  const UnixAddress::SystemForm form = address.ToSystem();
  if (system.bind(fd, form.get(), form.size()) == 0) return claim;
  int error = errno;
  if (error == EADDRINUSE && replace_stale) {
    RemoveIfStale(system, address);
    if (system.bind(fd, form.get(), form.size()) == 0) return claim;
    error = errno;
  }
  return reactor::ErrnoToStatus(
      error, NameOf("bind", Peer::Socket(address.ToString())));
}

}  // namespace weft::net
