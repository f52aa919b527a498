// Writing beside what is to be replaced, step by step on the pool.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/write_file.h"

#include <fcntl.h>

#include <cerrno>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/fs/new_file.h"
#include "weft/fs/path_error.h"
#include "weft/fs/write_step.h"
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

// A file on its way to replace another. Its functions block. Until it has, its
// destructor removes what was made: on the worker, but only where a task was
// cancelled, and then nobody is told of a name that stays.
class Replacement {
 public:
  // Borrows `contents`.
  Replacement(System& system, std::string path, std::string_view contents,
              WriteFileOptions options)
      : system_(system),
        path_(std::move(path)),
        directory_path_(DirectoryOf(path_)),
        rest_(contents),
        permissions_(options.permissions) {}
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement() { Discard(absl::OkStatus()).IgnoreError(); }

  // The next of: opening the directory, making the file and writing a
  // step; fsync; rename. True at the end.
  absl::StatusOr<bool> Step() {
    absl::Status status = Next();
    if (!status.ok()) return Discard(std::move(status));
    return stage_ == Stage::kReplaced;
  }

 private:
  enum class Stage { kToBeMade, kBeingWritten, kStored, kReplaced };

  absl::Status Next() {
    absl::Status status;
    switch (stage_) {
      case Stage::kToBeMade:
        status = OpenDirectory();
        if (status.ok()) status = Make();
        return status.ok() ? Write() : status;
      case Stage::kBeingWritten:
        return rest_.empty() ? Store() : Write();
      case Stage::kStored:
        return Replace();
      case Stage::kReplaced:
        return absl::OkStatus();
    }
    return status;
  }

  // First of all: where it cannot be opened, nothing has changed yet.
  absl::Status OpenDirectory() {
    absl::Status path = CheckPath(path_);
    if (!path.ok()) return path;
    const int number = RetryInterrupted([this] {
      return system_.open(directory_path_.c_str(), O_RDONLY | O_DIRECTORY, 0);
    });
    if (number == -1) return PathError(errno, "open", directory_path_);
    directory_ = Fd(number, system_);
    return absl::OkStatus();
  }

  absl::Status Make() {
    absl::StatusOr<NewFile> made =
        MakeNewFile(system_, directory_path_, permissions_, path_);
    if (!made.ok()) return std::move(made).status();
    new_ = *std::move(made);
    stage_ = Stage::kBeingWritten;
    return absl::OkStatus();
  }

  absl::Status Write() { return WriteStep(system_, new_.fd, path_, rest_); }

  absl::Status Store() {
    const int answer =
        RetryInterrupted([this] { return system_.fsync(new_.fd.get()); });
    absl::Status stored = CheckCall(answer, "fsync", path_);
    if (!stored.ok()) return stored;
    absl::Status closed = CloseWritten(new_.fd, path_);
    if (!closed.ok()) return closed;
    stage_ = Stage::kStored;
    return absl::OkStatus();
  }

  absl::Status Replace() {
    const int answer = RetryInterrupted(
        [this] { return system_.rename(new_.path.c_str(), path_.c_str()); });
    absl::Status renamed = CheckCall(answer, "rename", path_);
    if (!renamed.ok()) return renamed;
    stage_ = Stage::kReplaced;
    return StoreDirectory();
  }

  // A name lies in its directory, so it is that which must reach the device.
  absl::Status StoreDirectory() {
    const int answer =
        RetryInterrupted([this] { return system_.fsync(directory_.get()); });
    // Some file systems have no such thing, and keep names in another way.
    absl::Status stored = answer == -1 && (errno == EINVAL || errno == ENOTSUP)
                              ? absl::OkStatus()
                              : CheckCall(answer, "fsync", directory_path_);
    // It was only read: a close has nothing to say.
    directory_.Close().IgnoreError();
    return stored;
  }

  absl::Status Discard(absl::Status why) {
    directory_.Close().IgnoreError();
    if (stage_ != Stage::kBeingWritten && stage_ != Stage::kStored) return why;
    stage_ = Stage::kToBeMade;
    return RemoveNewFile(system_, new_, std::move(why));
  }

  System& system_;
  const std::string path_;
  const std::string directory_path_;
  std::string_view rest_;  // What is still to be written.
  const mode_t permissions_;
  Stage stage_ = Stage::kToBeMade;
  Fd directory_;
  NewFile new_;
};

Task<absl::Status> Replace(std::string path, std::string_view contents,
                           WriteFileOptions options) {
  Replacement file(CurrentReactor().system(), std::move(path), contents,
                   options);
  auto step = [&file] { return file.Step(); };
  bool ended = false;
  while (!ended) ended = co_await OrReturn(Blocking(step));
  co_return absl::OkStatus();
}

}  // namespace

// Not a coroutine itself: a path need not outlive the call.
Task<absl::Status> WriteFileAtomically(std::string_view path,
                                       std::string_view contents,
                                       WriteFileOptions options) {
  return Replace(std::string(path), contents, options);
}

}  // namespace weft::fs
