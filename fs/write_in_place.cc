// Opening, writing and closing, step by step on the pool.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/write_in_place.h"

#include <fcntl.h>
#include <sys/types.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/fs/opened_file.h"
#include "weft/fs/path_error.h"
#include "weft/fs/write_step.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::System;

// A text on its way into a file. Its functions block.
class InPlaceWrite {
 public:
  // Borrows `contents`. `how` is O_TRUNC or O_APPEND.
  InPlaceWrite(System& system, std::string path, std::string_view contents,
               int how, WriteFileOptions options)
      : system_(system),
        path_(std::move(path)),
        rest_(contents),
        how_(how),
        permissions_(options.permissions) {}

  // Opens the file at first, and writes a step. True at the end.
  absl::StatusOr<bool> Step() {
    absl::Status status = file_.empty() ? Open() : absl::OkStatus();
    if (status.ok()) status = WriteStep(system_, file_, path_, rest_);
    if (!status.ok()) {
      // Here, on the pool, and not where the task ends. There is an error
      // already to tell.
      file_.Close().IgnoreError();
      return status;
    }
    if (!rest_.empty()) return false;
    status = CloseWritten(file_, path_);
    if (!status.ok()) return status;
    return true;
  }

 private:
  absl::Status Open() {
    absl::Status path = CheckPath(path_);
    if (!path.ok()) return path;
    absl::StatusOr<OpenedFile> opened =
        OpenAsFile(system_, path_, O_WRONLY | O_CREAT | how_, permissions_);
    if (!opened.ok()) return std::move(opened).status();
    file_ = std::move(opened->fd);
    return absl::OkStatus();
  }

  System& system_;
  const std::string path_;
  std::string_view rest_;  // What is still to be written.
  const int how_;
  const mode_t permissions_;
  Fd file_;
};

Task<absl::Status> Write(std::string path, std::string_view contents, int how,
                         WriteFileOptions options) {
  InPlaceWrite file(CurrentReactor().system(), std::move(path), contents, how,
                    options);
  auto step = [&file] { return file.Step(); };
  bool ended = false;
  while (!ended) ended = co_await OrReturn(Blocking(step));
  co_return absl::OkStatus();
}

}  // namespace

// Not coroutines themselves: a path need not outlive the call.
Task<absl::Status> WriteFile(std::string_view path, std::string_view contents,
                             WriteFileOptions options) {
  return Write(std::string(path), contents, O_TRUNC, options);
}

Task<absl::Status> AppendToFile(std::string_view path,
                                std::string_view contents,
                                WriteFileOptions options) {
  return Write(std::string(path), contents, O_APPEND, options);
}

}  // namespace weft::fs
