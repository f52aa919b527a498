// Fd: the one owner of a descriptor. It closes what it owns, once.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_FD_H_
#define WEFT_REACTOR_FD_H_

#include "absl/status/status.h"
#include "weft/reactor/system.h"

namespace weft::reactor {

// Empty, or the owner of one descriptor, which it gives back through the
// System that made it.
//
//     Fd file(system.open("/etc/hosts", O_RDONLY, 0), system);
//     if (!file) return ErrnoToStatus(errno, "open(\"/etc/hosts\")");
//
// A negative number, which is how a failed call answers, makes an empty Fd.
//
// Threads: none of its own. A number that another thread uses while it is
//          closed may name something else a moment later; that is Source's
//          business, not this class's.
// Borrows: the System, until the descriptor is closed or released.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number, System& system = System::Kernel()) noexcept
      : number_(number < 0 ? kNone : number), system_(&system) {}
  Fd(Fd&& other) noexcept : number_(other.release()), system_(other.system_) {}
  // Closes what was owned before. What that close would have reported is lost:
  // call Close() first where it matters.
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();

  // The number, still owned; -1 when empty.
  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] bool empty() const noexcept { return number_ == kNone; }
  explicit operator bool() const noexcept { return !empty(); }

  // Gives the number away without closing it; the caller closes it.
  [[nodiscard]] int release() noexcept;

  // Closes now and is empty afterwards, whatever the system says. OK when it
  // was empty already.
  //
  // Errors: a file system may report here that what was written before could
  //         not be stored. An interrupted close has closed: it is OK, and it
  //         is not repeated, since the number may be somebody else's by then.
  absl::Status Close();

 private:
  static constexpr int kNone = -1;

  int number_ = kNone;
  System* system_ = nullptr;  // Not null unless default-constructed.
};

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_FD_H_
