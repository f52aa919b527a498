// Reading to the end, step by step on the pool.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/read_file.h"

#include <fcntl.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/fs/opened_file.h"
#include "weft/fs/path_error.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// What one trip to the pool may read: long enough to be worth it, and short
// enough for a cancellation to be heeded.
constexpr std::size_t kStep = std::size_t{1} << 20;
// The first room for a file whose size is not known.
constexpr std::size_t kFirstGuess = std::size_t{1} << 12;

// A file on its way into memory. Its functions block.
class WholeRead {
 public:
  WholeRead(System& system, std::string path, ReadFileOptions options)
      : system_(system), path_(std::move(path)), max_size_(options.max_size) {}

  // Opens the file at first, and reads about kStep. True at the end.
  absl::StatusOr<bool> Step() {
    absl::StatusOr<bool> ended = StepOfOpenFile();
    // Here, on the pool, and not where the task ends. Nothing was written, so
    // a close has nothing to say.
    if (!ended.ok() || *ended) file_.Close().IgnoreError();
    return ended;
  }

  // Requires: Step() has said true.
  std::string TakeContents() && {
    contents_.resize(size_);
    return std::move(contents_);
  }

 private:
  absl::StatusOr<bool> StepOfOpenFile() {
    if (file_.empty()) {
      absl::Status open = Open();
      if (!open.ok()) return open;
    }
    const std::size_t stop = size_ + std::min(kStep, max_size_ - size_);
    for (;;) {
      if (size_ == max_size_) return EndsHere();
      if (size_ >= stop) return false;
      MakeRoom();
      absl::StatusOr<std::size_t> got =
          Read(contents_.data() + size_, contents_.size() - size_);
      if (!got.ok()) return std::move(got).status();
      if (*got == 0) return true;
      size_ += *got;
    }
  }

  absl::Status Open() {
    absl::Status path = CheckPath(path_);
    if (!path.ok()) return path;
    absl::StatusOr<OpenedFile> opened = OpenAsFile(system_, path_, O_RDONLY, 0);
    if (!opened.ok()) return std::move(opened).status();
    file_ = std::move(opened->fd);
    Expect(static_cast<std::uint64_t>(opened->about.st_size));
    return absl::OkStatus();
  }

  // A size is a hint: files under /proc have none, those under /sys more than
  // is in them, and others grow.
  void Expect(std::uint64_t size) {
    const std::size_t most = std::min<std::uint64_t>(size, max_size_);
    // One more, so that the read that finds the end finds room.
    contents_.reserve(std::max(most + 1, kFirstGuess));
  }

  // Grows by what is reserved, in steps, since growing writes zeros.
  void MakeRoom() {
    if (size_ < contents_.size()) return;
    if (size_ == contents_.capacity()) contents_.reserve(2 * size_);
    const std::size_t room = std::min(contents_.capacity() - size_, kStep);
    contents_.resize(size_ + std::min(room, max_size_ - size_));
  }

  // Whether nothing is left, where nothing more may come.
  absl::StatusOr<bool> EndsHere() {
    char one_more;
    absl::StatusOr<std::size_t> got = Read(&one_more, 1);
    if (!got.ok()) return std::move(got).status();
    if (*got != 0) return TooLarge();
    return true;
  }

  absl::StatusOr<std::size_t> Read(char* into, std::size_t room) {
    const ssize_t got =
        RetryInterrupted([&] { return system_.read(file_.get(), into, room); });
    if (got == -1) return PathError(errno, "read", path_);
    return static_cast<std::size_t>(got);
  }

  absl::Status TooLarge() const {
    return absl::ResourceExhaustedError(absl::StrCat(
        "read(\"", path_, "\"): it holds more than ", max_size_, " bytes"));
  }

  System& system_;
  const std::string path_;
  const std::size_t max_size_;
  Fd file_;
  std::string contents_;  // Of which the first size_ bytes have been read.
  std::size_t size_ = 0;
};

Task<absl::StatusOr<std::string>> ReadWhole(std::string path,
                                            ReadFileOptions options) {
  WholeRead file(CurrentReactor().system(), std::move(path), options);
  auto step = [&file] { return file.Step(); };
  bool ended = false;
  while (!ended) ended = co_await OrReturn(Blocking(step));
  co_return std::move(file).TakeContents();
}

}  // namespace

// Not a coroutine itself: a path need not outlive the call.
Task<absl::StatusOr<std::string>> ReadFile(std::string_view path,
                                           ReadFileOptions options) {
  return ReadWhole(std::string(path), options);
}

}  // namespace weft::fs
