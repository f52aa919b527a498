// Opening what a child's descriptors lead to, and telling posix_spawn.
//
// SPDX-License-Identifier: MIT

#include "weft/net/process_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/pipe.h"
#include "weft/net/process_check.h"
#include "weft/reactor/os_error.h"

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

absl::StatusOr<Fd> OpenNull(System& system) {
  Fd null(RetryInterrupted([&] { return system.open("/dev/null", O_RDWR, 0); }),
          system);
  if (!null) return ErrnoToStatus(errno, "open(\"/dev/null\")");
  return null;
}

// Programs expect standard streams that block.
absl::Status MakeBlocking(System& system, int fd) {
  const int flags = system.fcntl(fd, F_GETFL, 0);
  if (flags != -1 && (flags & O_NONBLOCK) == 0) return absl::OkStatus();
  if (flags == -1 || system.fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1) {
    const int error = errno;
    return ErrnoToStatus(error, absl::StrCat("fcntl(", fd, ")"));
  }
  return absl::OkStatus();
}

absl::StatusOr<StreamEnds> OpenEnds(System& system, Redirect& redirect,
                                    int number) {
  StreamEnds ends;
  switch (redirect.kind()) {
    case Redirect::Kind::kInherit:
    case Redirect::Kind::kStandardOutput:
      return ends;
    case Redirect::Kind::kNull: {
      absl::StatusOr<Fd> null = OpenNull(system);
      if (!null.ok()) return std::move(null).status();
      ends.theirs = *std::move(null);
      break;
    }
    case Redirect::Kind::kPipe: {
      absl::StatusOr<PipeEnds> pipe = OpenPipe(system);
      if (!pipe.ok()) return std::move(pipe).status();
      const bool they_read = number == STDIN_FILENO;
      ends.theirs = std::move(they_read ? pipe->read : pipe->write);
      ends.ours = std::move(they_read ? pipe->write : pipe->read);
      break;
    }
    case Redirect::Kind::kDescriptor:
      ends.theirs = redirect.TakeDescriptor();
      break;
  }
  const absl::Status blocks = MakeBlocking(system, ends.theirs.get());
  if (!blocks.ok()) return blocks;
  return ends;
}

bool ChildHas(const ProcessOptions& options, int number) {
  return number <= STDERR_FILENO || options.descriptors.contains(number);
}

// Out of the way of what the child has: dup2 of one would overwrite the other's
// original. One of the three may be ours where this program runs with it
// closed; an end of ours would be taken for a stream that is to be inherited.
// From below: above a high one there may be no number left.
absl::Status MoveAway(System& system, const ProcessOptions& options, Fd& fd) {
  int lowest = STDERR_FILENO + 1;
  while (!fd.empty() && ChildHas(options, fd.get())) {
    Fd moved(system.fcntl(fd.get(), F_DUPFD_CLOEXEC, lowest), system);
    if (!moved) {
      // fcntl(2): EINVAL where not even the lowest is within the limit.
      const int error = errno == EINVAL ? EMFILE : errno;
      return ErrnoToStatus(error, absl::StrCat(NameOfStart(options), ": fcntl(",
                                               fd.get(), ", F_DUPFD_CLOEXEC)"));
    }
    lowest = moved.get() + 1;
    fd = std::move(moved);
  }
  return absl::OkStatus();
}

// What is given may be open to be inherited; what is opened here, and what is
// moved away, is not.
absl::Status CloseByExec(System& system, const ProcessOptions& options,
                         const Fd& fd) {
  if (system.fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != -1) {
    return absl::OkStatus();
  }
  const int error = errno;
  return ErrnoToStatus(error, absl::StrCat(NameOfStart(options), ": fcntl(",
                                           fd.get(), ", F_SETFD)"));
}

absl::StatusOr<Streams> OpenStreams(System& system, ProcessOptions& options) {
  Redirect* const redirects[] = {&options.standard_input,
                                 &options.standard_output,
                                 &options.standard_error};
  Streams streams;
  for (int number = 0; number < 3; ++number) {
    absl::StatusOr<StreamEnds> opened =
        OpenEnds(system, *redirects[number], number);
    if (!opened.ok()) return std::move(opened).status();
    for (Fd* end : {&opened->theirs, &opened->ours}) {
      const absl::Status moved = MoveAway(system, options, *end);
      if (!moved.ok()) return moved;
    }
    if (redirects[number]->kind() == Redirect::Kind::kDescriptor) {
      const absl::Status closed = CloseByExec(system, options, opened->theirs);
      if (!closed.ok()) return closed;
    }
    streams[static_cast<std::size_t>(number)] = *std::move(opened);
  }
  return streams;
}

// Whether this program was given it: what it has opened itself since, of that
// number, is closed by exec. (Ours is; System sees to it.)
bool IsInheritable(System& system, int number) {
  const int flags = system.fcntl(number, F_GETFD, 0);
  return flags != -1 && (flags & FD_CLOEXEC) == 0;
}

// What one of the child's streams is a duplicate of, in this program; nothing
// where there is none to inherit. Of itself, too, which is how POSIX tells a
// descriptor to be inherited.
std::optional<int> OriginalOf(System& system, const Streams& streams,
                              int number) {
  const Fd& theirs = streams[static_cast<std::size_t>(number)].theirs;
  if (!theirs.empty()) return theirs.get();
  if (IsInheritable(system, number)) return number;
  return std::nullopt;
}

absl::Status AddDuplicate(const ProcessOptions& options, int original,
                          int number, posix_spawn_file_actions_t& actions) {
  const int error =
      posix_spawn_file_actions_adddup2(&actions, original, number);
  if (error == 0) return absl::OkStatus();
  return ErrnoToStatus(error, absl::StrCat(NameOfStart(options), ": add dup2(",
                                           original, ", ", number, ")"));
}

absl::Status AddClose(const ProcessOptions& options, int number,
                      posix_spawn_file_actions_t& actions) {
  const int error = posix_spawn_file_actions_addclose(&actions, number);
  if (error == 0) return absl::OkStatus();
  return ErrnoToStatus(
      error, absl::StrCat(NameOfStart(options), ": add close(", number, ")"));
}

// As `kind` says. An output that is inherited has its own number until then,
// and after: the error stream comes behind it.
absl::Status AddStream(System& system, const ProcessOptions& options,
                       const Streams& streams, Redirect::Kind kind, int number,
                       posix_spawn_file_actions_t& actions) {
  const bool joins = kind == Redirect::Kind::kStandardOutput;
  const std::optional<int> original =
      OriginalOf(system, streams, joins ? STDOUT_FILENO : number);
  if (original.has_value()) {
    return AddDuplicate(options, *original, number, actions);
  }
  // Joined to an output that there is not.
  if (joins && IsInheritable(system, number)) {
    return AddClose(options, number, actions);
  }
  return absl::OkStatus();
}

absl::Status AddStreams(System& system, const ProcessOptions& options,
                        const Streams& streams,
                        posix_spawn_file_actions_t& actions) {
  const Redirect::Kind kinds[] = {options.standard_input.kind(),
                                  options.standard_output.kind(),
                                  options.standard_error.kind()};
  for (int number = 0; number < 3; ++number) {
    const absl::Status added =
        AddStream(system, options, streams, kinds[number], number, actions);
    if (!added.ok()) return added;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Streams> AddDescriptors(System& system, ProcessOptions& options,
                                       posix_spawn_file_actions_t& actions) {
  // Before anything is added: a number that is left must not be named.
  for (auto& [number, descriptor] : options.descriptors) {
    const absl::Status moved = MoveAway(system, options, descriptor);
    if (!moved.ok()) return moved;
    const absl::Status closed = CloseByExec(system, options, descriptor);
    if (!closed.ok()) return closed;
  }
  absl::StatusOr<Streams> streams = OpenStreams(system, options);
  if (!streams.ok()) return streams;
  const absl::Status added = AddStreams(system, options, *streams, actions);
  if (!added.ok()) return added;
  for (const auto& [number, descriptor] : options.descriptors) {
    const absl::Status passed =
        AddDuplicate(options, descriptor.get(), number, actions);
    if (!passed.ok()) return passed;
  }
  return streams;
}

absl::StatusOr<int> InheritNothingElse(const ProcessOptions& options,
                                       posix_spawn_file_actions_t& actions) {
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT  // macOS; drop when Linux has it, too.
  static_cast<void>(options);
  static_cast<void>(actions);
  return POSIX_SPAWN_CLOEXEC_DEFAULT;
#else
  int next = STDERR_FILENO + 1;
  for (const auto& [number, descriptor] : options.descriptors) {
    for (; next < number; ++next) {
      const absl::Status closed = AddClose(options, next, actions);
      if (!closed.ok()) return closed;
    }
    next = number + 1;
  }
  // None is above, but what was opened before the limit was lowered; and glibc
  // refuses a number that is not below it.
  if (next >= LimitOfDescriptors()) return 0;
  const int error = posix_spawn_file_actions_addclosefrom_np(&actions, next);
  if (error == 0) return 0;
  return ErrnoToStatus(
      error, absl::StrCat(NameOfStart(options), ": add closefrom(", next, ")"));
#endif
}

}  // namespace weft::net
