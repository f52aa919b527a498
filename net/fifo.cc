// Opening, and a look at what has been opened.
//
// SPDX-License-Identifier: MIT

#include "weft/net/fifo.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/string_view.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

std::string NameOf(std::string_view call, const std::string& path) {
  return absl::StrCat(reactor::ToAbseil(call), "(\"", absl::CHexEscape(path),
                      "\")");
}

std::string NameOfOpen(const std::string& path) { return NameOf("open", path); }

// The system would read only what comes before a zero byte.
absl::Status CheckPath(const std::string& path) {
  if (path.find('\0') == std::string::npos) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "a path cannot hold a zero byte: \"", absl::CHexEscape(path), "\""));
}

absl::Status CheckKind(const struct stat& about, const std::string& path) {
  if (S_ISFIFO(about.st_mode)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(NameOfOpen(path), ": it is no FIFO"));
}

// ENXIO by its number, but not "not found" by its code: it may be over soon.
absl::Status NobodyReads(const std::string& path) {
  const absl::Status plain = ErrnoToStatus(ENXIO, NameOfOpen(path));
  absl::Status status = absl::UnavailableError(
      absl::StrCat(plain.message(), ": nobody has it open to read"));
  plain.ForEachPayload(
      [&status](absl::string_view type, const absl::Cord& payload) {
        status.SetPayload(type, payload);
      });
  return status;
}

// fifo(7): to be written, a FIFO that nobody reads is ENXIO. But so is a socket
// for whatever purpose (EOPNOTSUPP on the BSDs).
absl::Status WhyNot(System& system, const std::string& path, int access,
                    int error) {
  if (error == ENXIO || error == EOPNOTSUPP) {
    struct stat about{};
    const int answer =
        RetryInterrupted([&] { return system.stat(path.c_str(), &about); });
    absl::Status kind = answer == 0 ? CheckKind(about, path) : absl::OkStatus();
    if (!kind.ok()) return kind;
  }
  if (error == ENXIO && access == O_WRONLY) return NobodyReads(path);
  return ErrnoToStatus(error, NameOfOpen(path));
}

// Looks at what it has opened and not at the path, which may be another file's
// the next moment. System::open neither waits for the other end nor lets what
// it opens wait; a terminal by mistake is not to become ours.
absl::StatusOr<Fd> OpenEnd(System& system, const std::string& path,
                           int access) {
  Fd end(RetryInterrupted([&] {
           return system.open(path.c_str(), access | O_NOCTTY, /*mode=*/0);
         }),
         system);
  if (!end) return WhyNot(system, path, access, errno);
  struct stat about{};
  const int answer =
      RetryInterrupted([&] { return system.fstat(end.get(), &about); });
  const int error = errno;
  if (answer == -1) {
    return ErrnoToStatus(error, NameOf("fstat", path));
  }
  absl::Status kind = CheckKind(about, path);
  if (!kind.ok()) return kind;
  return end;
}

// POSIX does not say what O_RDWR does to a FIFO; Linux and the BSDs open both
// ends, without waiting, and say so (fifo(7)).
Task<absl::StatusOr<Fd>> Open(std::string path, int access,
                              FifoOptions options) {
  co_await OrReturn(CheckPath(path));
  System& system = CurrentReactor().system();
  if (options.hold_other_end) access = O_RDWR;
  auto open = [&] { return OpenEnd(system, path, access); };
  co_return co_await Blocking(open);
}

Task<absl::StatusOr<PipeReader>> OpenReader(std::string path,
                                            FifoOptions options) {
  Fd end = co_await OrReturn(Open(path, O_RDONLY, options));
  co_return PipeReader::Adopt(std::move(end), std::move(path));
}

Task<absl::StatusOr<PipeWriter>> OpenWriter(std::string path,
                                            FifoOptions options) {
  Fd end = co_await OrReturn(Open(path, O_WRONLY, options));
  co_return PipeWriter::Adopt(std::move(end), std::move(path));
}

}  // namespace

// Not coroutines themselves: a path need not outlive the call.
Task<absl::StatusOr<PipeReader>> OpenFifoReader(std::string_view path,
                                                FifoOptions options) {
  return OpenReader(std::string(path), options);
}

Task<absl::StatusOr<PipeWriter>> OpenFifoWriter(std::string_view path,
                                                FifoOptions options) {
  return OpenWriter(std::string(path), options);
}

}  // namespace weft::net
