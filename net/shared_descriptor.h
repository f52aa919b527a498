// SharedDescriptor: a descriptor whose open file belongs to others as well, and
// how to wait for it without changing it for them. standard_streams.h says why.
//
//     kOwn       does not block: read, write       a terminal or a pipe, opened
//                                                  again
//     kNoWait    is tried without waiting          sockets, other pipes
//     kPatient   waits for readiness, then pool    what cannot be tried so
//     kPool      the pool                          files, other devices
//
// Invariants
//   1. The flags of an open file that others share are never changed.
//   2. No call on a worker's thread waits: where one might, it is made on the
//      pool. There it may wait for ever, where another who shares the file has
//      taken what the call was made for.
//   3. kNoWait becomes kPatient once, when the system says that it cannot.
//   4. A call on the pool that would block all the same (another has made the
//      open file non-blocking) is made again when the descriptor is ready.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_SHARED_DESCRIPTOR_H_
#define WEFT_NET_SHARED_DESCRIPTOR_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/source.h"
#include "weft/runtime/task.h"

namespace weft::net {

// Threads: one task at a time; Close from anywhere.
class SharedDescriptor {
 public:
  // Errors:   those of fstat(2).
  // Requires: InsideRuntime().
  static absl::StatusOr<SharedDescriptor> Adopt(reactor::Fd fd,
                                                std::string name,
                                                reactor::Direction direction);

  // Suspends: until something is there.
  // Cancel:   CANCELLED; nothing has been read.
  // Borrows:  the descriptor and `into`.
  Task<absl::StatusOr<std::size_t>> Read(std::span<std::byte> into);

  // Suspends: while it is full.
  // Cancel:   CANCELLED; nothing has been written.
  // Borrows:  the descriptor and `from`.
  Task<absl::StatusOr<std::size_t>> Write(std::span<const std::byte> from);

  void Close() noexcept { source_->Close(); }

 private:
  enum class Way { kOwn, kNoWait, kPatient, kPool };
  class Attempt;
  class ReadAttempt;
  class WriteAttempt;

  SharedDescriptor(reactor::SourceHandle source, std::string name, Way way,
                   bool is_socket) noexcept
      : source_(std::move(source)),
        name_(std::move(name)),
        way_(way),
        is_socket_(is_socket) {}

  // Suspends: until there is something to read, or the end.
  // Cancel:   CANCELLED.
  Task<absl::Status> UntilReadable();
  // Suspends: until the pool has done it; see invariant 4.
  // Cancel:   CANCELLED, if it had not begun.
  Task<absl::StatusOr<std::size_t>> ReadOnPool(std::span<std::byte> into);
  Task<absl::StatusOr<std::size_t>> WriteOnPool(
      std::span<const std::byte> from);

  reactor::SourceHandle source_;
  std::string name_;
  Way way_;
  bool is_socket_;
};

}  // namespace weft::net

#endif  // WEFT_NET_SHARED_DESCRIPTOR_H_
