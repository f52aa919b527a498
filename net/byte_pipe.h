// BytePipe: one direction of a stream in memory. A bounded queue of bytes with
// a writer at one end and a reader at the other.
//
//     Write -> [ oldest ... newest | room ] -> Read
//
// The states of its two ends are those of a TCP connection's direction:
//
//     ended     the writer says no more: the reader drains it and reads 0
//     closed    by the owner of that end, to whom it is FAILED_PRECONDITION
//     broken    the reader closed, or either side reset it: what is inside is
//               gone, and the other end gets UNAVAILABLE
//
// Invariants
//   1. Writers wait only while it is full, readers only while it is empty, and
//      there is room for one byte: so one WaitList serves both.
//   2. A byte is copied under the lock, from the writer's memory, to the
//      reader's. So a wait that is cancelled moved nothing.
//   3. Whatever changes the state lets those who wait try again, in their
//      order, before the lock is released (Settle).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_BYTE_PIPE_H_
#define WEFT_NET_BYTE_PIPE_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/stream.h"
#include "weft/sync/wait_list.h"

namespace weft::net {

// Threads: any.
class BytePipe : sync::WaitList {
  class Party;

 public:
  class ReadAwaiter;
  class WriteAwaiter;

  static constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

  // Holds at most `capacity` bytes, and at least one.
  // Cost: one allocation, here; none later.
  explicit BytePipe(std::size_t capacity);

  // Takes what is there, at least one byte; 0 at the end.
  //
  // Suspends: while it is empty.
  // Cancel:   CANCELLED; nothing was taken.
  // Borrows:  the pipe and `into`.
  // Errors:   FAILED_PRECONDITION when reading was closed, UNAVAILABLE when the
  //           pipe was reset; the injected one.
  ReadAwaiter Read(std::span<std::byte> into) noexcept;
  // As Read, but never suspends: nothing while it is empty.
  Tried TryRead(std::span<std::byte> into);

  // Puts in as much as there is room for, at least one byte.
  //
  // Suspends: while it is full.
  // Cancel:   CANCELLED; nothing was put in.
  // Borrows:  the pipe, `from` or `parts`, and what they name.
  // Errors:   FAILED_PRECONDITION when writing was closed, UNAVAILABLE when it
  //           was ended, nobody reads any more or the pipe was reset; the
  //           injected one.
  WriteAwaiter Write(std::span<const std::byte> from) noexcept;
  // As Write, of several pieces in turn.
  //
  // Suspends: while it is full.
  // Cancel:   CANCELLED; nothing was put in.
  WriteAwaiter WriteVectored(ByteParts parts) noexcept;
  // As Write, but never suspends: nothing while it is full.
  Tried TryWrite(std::span<const std::byte> from);

  // The writer says no more. FAILED_PRECONDITION when writing was closed.
  absl::Status End();
  // An end is closed by its owner. For the reader of a pipe whose writing is
  // closed, that is the end.
  void CloseWriting() noexcept;
  void CloseReading() noexcept;
  // Throws away what is inside and breaks the pipe for both ends.
  void Reset() noexcept;

  // --- Faults ---------------------------------------------------------------

  // No operation moves more bytes than that.
  void SetLargestRead(std::size_t bytes) noexcept;
  void SetLargestWrite(std::size_t bytes) noexcept;
  // After so many bytes more, every read (or write) gives `error`.
  void FailReadsAfter(std::size_t bytes, absl::Status error);
  void FailWritesAfter(std::size_t bytes, absl::Status error);

 private:
  // How an operation went.
  enum class Outcome : std::uint8_t {
    kMoved,
    kClosed,    // This end was, by its owner.
    kBroken,    // The pipe was reset, or its reader is gone.
    kEnded,     // Writing was.
    kInjected,  // A test wants it to fail.
  };

  // What one end is allowed to do.
  struct Allowance {
    std::size_t largest = kAny;  // In one operation.
    std::size_t left = kAny;     // Until `error`.
    absl::Status error;
  };

  // With the lock held: nothing means to wait. `moved` is set where it is
  // kMoved.
  std::optional<Outcome> TryReadLocked(std::span<std::byte> into,
                                       std::size_t& moved) noexcept;
  std::optional<Outcome> TryWriteLocked(ByteParts parts,
                                        std::size_t& moved) noexcept;
  std::size_t Take(std::span<std::byte> into) noexcept;
  std::size_t Put(std::span<const std::byte> from) noexcept;
  // Lets those who wait try again.
  void Settle(sync::WakeList& granted) noexcept;
  // Makes a change under the lock, settles, and wakes.
  template <typename Change>
  void Alter(Change change) noexcept;
  // What an outcome is to whoever reads or writes.
  absl::StatusOr<std::size_t> ReadResult(Outcome outcome, std::size_t moved);
  absl::StatusOr<std::size_t> WriteResult(Outcome outcome, std::size_t moved);
  absl::Status Injected(const Allowance& allowance);

  // Guarded by lock(), all of it.
  std::vector<std::byte> bytes_;  // A ring.
  std::size_t oldest_ = 0;
  std::size_t size_ = 0;
  bool ended_ = false;
  bool writing_closed_ = false;
  bool reading_closed_ = false;
  bool reset_ = false;
  Allowance reads_;
  Allowance writes_;
};

// What readers and writers have in common.
class BytePipe::Party : public sync::Waiter {
 public:
  // With the lock held. False: wait.
  bool Try() noexcept {
    outcome_ = Attempt(moved_);
    return outcome_.has_value();
  }

 protected:
  explicit Party(BytePipe& pipe) noexcept : Waiter(pipe) {}
  ~Party() = default;

  BytePipe& pipe() const noexcept { return static_cast<BytePipe&>(list()); }
  // Requires: it is over, and was not cancelled.
  Outcome outcome() const noexcept { return *outcome_; }
  std::size_t moved() const noexcept { return moved_; }

 private:
  virtual std::optional<Outcome> Attempt(std::size_t& moved) noexcept = 0;
  bool TryLocked(sync::WakeList& granted) noexcept final;

  std::optional<Outcome> outcome_;
  std::size_t moved_ = 0;
};

class [[nodiscard("co_await it")]] BytePipe::ReadAwaiter final : public Party {
 public:
  ReadAwaiter(BytePipe& pipe, std::span<std::byte> into) noexcept
      : Party(pipe), into_(into) {}

  absl::StatusOr<std::size_t> await_resume() const;
  WaitDescription Describe() const noexcept override {
    return {.kind = "memory stream, readable", .on = &pipe()};
  }

 private:
  std::optional<Outcome> Attempt(std::size_t& moved) noexcept override {
    return pipe().TryReadLocked(into_, moved);
  }

  const std::span<std::byte> into_;
};

class [[nodiscard("co_await it")]] BytePipe::WriteAwaiter final : public Party {
 public:
  WriteAwaiter(BytePipe& pipe, std::span<const std::byte> from) noexcept
      : Party(pipe), single_(from), parts_(&single_, 1) {}
  WriteAwaiter(BytePipe& pipe, ByteParts parts) noexcept
      : Party(pipe), parts_(parts) {}

  absl::StatusOr<std::size_t> await_resume() const;
  WaitDescription Describe() const noexcept override {
    return {.kind = "memory stream, writable", .on = &pipe()};
  }

 private:
  std::optional<Outcome> Attempt(std::size_t& moved) noexcept override {
    return pipe().TryWriteLocked(parts_, moved);
  }

  const std::span<const std::byte> single_;
  const ByteParts parts_;
};

inline BytePipe::ReadAwaiter BytePipe::Read(
    std::span<std::byte> into) noexcept {
  return ReadAwaiter(*this, into);
}

inline BytePipe::WriteAwaiter BytePipe::Write(
    std::span<const std::byte> from) noexcept {
  return WriteAwaiter(*this, from);
}

inline BytePipe::WriteAwaiter BytePipe::WriteVectored(
    ByteParts parts) noexcept {
  return WriteAwaiter(*this, parts);
}

}  // namespace weft::net

#endif  // WEFT_NET_BYTE_PIPE_H_
