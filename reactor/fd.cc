// How an Fd closes what it owns.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/fd.h"

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "weft/reactor/os_error.h"

namespace weft::reactor {

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    Close().IgnoreError();  // Said so in the header.
    system_ = other.system_;
    number_ = other.release();
  }
  return *this;
}

Fd::~Fd() {
  // A destructor has nobody to tell; who cares about it calls Close().
  if (!empty()) system_->close(number_);
}

int Fd::release() noexcept { return std::exchange(number_, kNone); }

absl::Status Fd::Close() {
  if (empty()) return absl::OkStatus();
  // Linux frees the number before anything that can be interrupted, and so, by
  // close(2), do most others.
  if (system_->close(release()) == 0 || errno == EINTR) {
    return absl::OkStatus();
  }
  return ErrnoToStatus(errno, "close");
}

}  // namespace weft::reactor
