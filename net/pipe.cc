// Making pipes, and taking over ends of others'.
//
// SPDX-License-Identifier: MIT

#include "weft/net/pipe.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/string_view.h"
#include "weft/runtime/current.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

reactor::SourceHandle Adopted(Fd end) {
  reactor::Reactor& reactor = CurrentReactor();
  return reactor.sources().Adopt(std::move(end), reactor.system());
}

absl::Status NoEnd(int fd, const std::string& name, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat(name, " (descriptor ", fd, "): ", reactor::ToAbseil(why)));
}

// Makes a descriptor that came from elsewhere like one of ours. `opposite` is
// how the end is opened that cannot be used.
absl::Status PrepareForeignEnd(int fd, int opposite, const std::string& name) {
  System& system = CurrentReactor().system();
  struct stat about{};
  if (RetryInterrupted([&] { return system.fstat(fd, &about); }) == -1) {
    const int error = errno;
    if (error == EBADF) return NoEnd(fd, name, "it is not open");
    return ErrnoToStatus(error, absl::StrCat("fstat(\"", name, "\")"));
  }
  if (!S_ISFIFO(about.st_mode)) return NoEnd(fd, name, "it is no pipe");
  const int flags = system.fcntl(fd, F_GETFL, 0);
  if (flags != -1 && (flags & O_ACCMODE) == opposite) {
    return NoEnd(fd, name, "it is the other end of a pipe");
  }
  if (flags == -1 || system.fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
      system.fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
    const int error = errno;
    return ErrnoToStatus(error, absl::StrCat("fcntl(\"", name, "\")"));
  }
  return absl::OkStatus();
}

}  // namespace

PipeReader PipeReader::Adopt(Fd end, std::string name) {
  return PipeReader(Adopted(std::move(end)), Peer::Pipe(std::move(name)));
}

absl::StatusOr<PipeReader> PipeReader::FromFd(Fd end, std::string name) {
  absl::Status usable = PrepareForeignEnd(end.get(), O_WRONLY, name);
  if (!usable.ok()) return usable;
  return Adopt(std::move(end), std::move(name));
}

PipeWriter PipeWriter::Adopt(Fd end, std::string name) {
  return PipeWriter(Adopted(std::move(end)), Peer::Pipe(std::move(name)));
}

absl::StatusOr<PipeWriter> PipeWriter::FromFd(Fd end, std::string name) {
  absl::Status usable = PrepareForeignEnd(end.get(), O_RDONLY, name);
  if (!usable.ok()) return usable;
  return Adopt(std::move(end), std::move(name));
}

absl::StatusOr<PipeEnds> OpenPipe(reactor::System& system) {
  std::array<int, 2> ends{};
  if (system.pipe(ends.data()) == -1) {
    return ErrnoToStatus(errno, "pipe");
  }
  return PipeEnds{.read = Fd(ends[0], system), .write = Fd(ends[1], system)};
}

absl::StatusOr<Pipe> MakePipe() {
  absl::StatusOr<PipeEnds> ends = OpenPipe(CurrentReactor().system());
  if (!ends.ok()) return std::move(ends).status();
  return Pipe{.reader = PipeReader::Adopt(std::move(ends->read), "pipe"),
              .writer = PipeWriter::Adopt(std::move(ends->write), "pipe")};
}

}  // namespace weft::net
