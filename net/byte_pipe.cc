// Moving bytes, and the states of the two ends; the header has the picture.
//
// SPDX-License-Identifier: MIT

#include "weft/net/byte_pipe.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "weft/reactor/source.h"

namespace weft::net {

using ::weft::reactor::ClosedByOwnerError;

BytePipe::BytePipe(std::size_t capacity)
    : bytes_(std::max<std::size_t>(capacity, 1)) {}

// --- With the lock held -----------------------------------------------------

std::optional<BytePipe::Outcome> BytePipe::TryReadLocked(
    std::span<std::byte> into, std::size_t& moved) noexcept {
  if (reading_closed_) return Outcome::kClosed;
  if (reset_) return Outcome::kBroken;
  if (reads_.left == 0) return Outcome::kInjected;
  if (size_ == 0 && !ended_ && !into.empty()) return std::nullopt;
  const std::size_t most = std::min(reads_.largest, reads_.left);
  moved = Take(into.first(std::min(into.size(), most)));
  if (reads_.left != kAny) reads_.left -= moved;
  return Outcome::kMoved;
}

std::optional<BytePipe::Outcome> BytePipe::TryWriteLocked(
    ByteParts parts, std::size_t& moved) noexcept {
  if (writing_closed_) return Outcome::kClosed;
  if (reset_ || reading_closed_) return Outcome::kBroken;
  if (ended_) return Outcome::kEnded;
  if (writes_.left == 0) return Outcome::kInjected;
  moved = 0;
  bool full = false;
  std::size_t most = std::min(writes_.largest, writes_.left);
  for (const std::span<const std::byte> part : parts) {
    const auto wanted = part.first(std::min(part.size(), most));
    const std::size_t put = Put(wanted);
    moved += put;
    most -= put;
    full = put < wanted.size();
    if (full || most == 0) break;
  }
  if (moved == 0 && full) return std::nullopt;
  if (writes_.left != kAny) writes_.left -= moved;
  return Outcome::kMoved;
}

std::size_t BytePipe::Take(std::span<std::byte> into) noexcept {
  const std::size_t count = std::min(into.size(), size_);
  const std::size_t unbroken = std::min(count, bytes_.size() - oldest_);
  std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(oldest_), unbroken,
              into.begin());
  std::copy_n(bytes_.begin(), count - unbroken,
              into.begin() + static_cast<std::ptrdiff_t>(unbroken));
  oldest_ = (oldest_ + count) % bytes_.size();
  size_ -= count;
  return count;
}

std::size_t BytePipe::Put(std::span<const std::byte> from) noexcept {
  const std::size_t count = std::min(from.size(), bytes_.size() - size_);
  const std::size_t place = (oldest_ + size_) % bytes_.size();
  const std::size_t unbroken = std::min(count, bytes_.size() - place);
  std::copy_n(from.begin(), unbroken,
              bytes_.begin() + static_cast<std::ptrdiff_t>(place));
  std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(unbroken),
              count - unbroken, bytes_.begin());
  size_ += count;
  return count;
}

// One who waits is done; his doing may be what the next one waited for.
void BytePipe::Settle(sync::WakeList& granted) noexcept {
  while (!empty() && static_cast<Party*>(front())->Try()) {
    granted.Add(*Pop());
  }
}

// --- The ends ---------------------------------------------------------------

template <typename Change>
void BytePipe::Alter(Change change) noexcept {
  sync::WakeList granted;
  {
    const std::lock_guard guard(lock());
    change();
    Settle(granted);
  }
  granted.WakeAll();
}

absl::Status BytePipe::End() {
  bool closed = false;
  Alter([this, &closed] {
    closed = writing_closed_;
    ended_ = true;
  });
  return closed ? ClosedByOwnerError() : absl::OkStatus();
}

void BytePipe::CloseWriting() noexcept {
  Alter([this] { writing_closed_ = ended_ = true; });
}

void BytePipe::CloseReading() noexcept {
  Alter([this] {
    reading_closed_ = true;
    size_ = 0;
  });
}

void BytePipe::Reset() noexcept {
  Alter([this] {
    reset_ = true;
    size_ = 0;
  });
}

void BytePipe::SetLargestRead(std::size_t bytes) noexcept {
  Alter([this, bytes] { reads_.largest = std::max<std::size_t>(bytes, 1); });
}

void BytePipe::SetLargestWrite(std::size_t bytes) noexcept {
  Alter([this, bytes] { writes_.largest = std::max<std::size_t>(bytes, 1); });
}

// The old error dies with the argument, outside of the lock.
void BytePipe::FailReadsAfter(std::size_t bytes, absl::Status error) {
  Alter([this, bytes, &error] {
    reads_.left = bytes;
    std::swap(reads_.error, error);
  });
}

void BytePipe::FailWritesAfter(std::size_t bytes, absl::Status error) {
  Alter([this, bytes, &error] {
    writes_.left = bytes;
    std::swap(writes_.error, error);
  });
}

// --- Operations -------------------------------------------------------------

bool BytePipe::Party::TryLocked(sync::WakeList& granted) noexcept {
  if (!Try()) return false;
  pipe().Settle(granted);
  return true;
}

Tried BytePipe::TryRead(std::span<std::byte> into) {
  std::optional<Outcome> outcome;
  std::size_t moved = 0;
  Alter([&] { outcome = TryReadLocked(into, moved); });
  if (!outcome.has_value()) return std::nullopt;
  return ReadResult(*outcome, moved);
}

Tried BytePipe::TryWrite(std::span<const std::byte> from) {
  std::optional<Outcome> outcome;
  std::size_t moved = 0;
  Alter([&] { outcome = TryWriteLocked(ByteParts(&from, 1), moved); });
  if (!outcome.has_value()) return std::nullopt;
  return WriteResult(*outcome, moved);
}

absl::StatusOr<std::size_t> BytePipe::ReadResult(Outcome outcome,
                                                 std::size_t moved) {
  switch (outcome) {
    case Outcome::kClosed:
      return ClosedByOwnerError();
    case Outcome::kBroken:
      return absl::UnavailableError("read: the stream was reset");
    case Outcome::kInjected:
      return Injected(reads_);
    case Outcome::kMoved:
    case Outcome::kEnded:  // For who writes.
      break;
  }
  return moved;
}

absl::StatusOr<std::size_t> BytePipe::WriteResult(Outcome outcome,
                                                  std::size_t moved) {
  switch (outcome) {
    case Outcome::kClosed:
      return ClosedByOwnerError();
    case Outcome::kBroken:
      return absl::UnavailableError("write: nobody reads any more");
    case Outcome::kEnded:
      return absl::UnavailableError("write: writing was shut down");
    case Outcome::kInjected:
      return Injected(writes_);
    case Outcome::kMoved:
      break;
  }
  return moved;
}

absl::Status BytePipe::Injected(const Allowance& allowance) {
  const std::lock_guard guard(lock());
  return allowance.error;
}

absl::StatusOr<std::size_t> BytePipe::ReadAwaiter::await_resume() const {
  if (cancelled()) return status();
  return pipe().ReadResult(outcome(), moved());
}

absl::StatusOr<std::size_t> BytePipe::WriteAwaiter::await_resume() const {
  if (cancelled()) return status();
  return pipe().WriteResult(outcome(), moved());
}

}  // namespace weft::net
