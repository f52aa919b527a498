// The arguments of posix_spawn, and what must be closed afterwards.
//
// SPDX-License-Identifier: MIT

#include "weft/net/process_start.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "weft/net/pipe.h"
#include "weft/reactor/os_error.h"

extern "C" char** environ;  // environ(7): declared by nobody.

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
using ::weft::reactor::Fd;
using ::weft::reactor::RetryInterrupted;
using ::weft::reactor::System;

// posix_spawn's two objects, which own memory.
class SpawnArguments {
 public:
  SpawnArguments() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  SpawnArguments(const SpawnArguments&) = delete;
  SpawnArguments& operator=(const SpawnArguments&) = delete;
  ~SpawnArguments() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

void SetAttributes(posix_spawnattr_t& attributes, int flags) {
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigdefault(&attributes, &all);
  flags |= POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  posix_spawnattr_setflags(&attributes, static_cast<short>(flags));
}

// Closes what other parts of the program have left to be inherited; a flag that
// does so where there is one. The last of the actions: it closes the originals
// of those before, too.
absl::StatusOr<int> InheritNothingElse(posix_spawn_file_actions_t& actions) {
  constexpr int kFirstOfTheOthers = 3;
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT  // macOS; drop when Linux has it, too.
  static_cast<void>(actions);
  static_cast<void>(kFirstOfTheOthers);
  return POSIX_SPAWN_CLOEXEC_DEFAULT;
#else
  const int error =
      posix_spawn_file_actions_addclosefrom_np(&actions, kFirstOfTheOthers);
  if (error != 0) return ErrnoToStatus(error, "posix_spawn: add closefrom");
  return 0;
#endif
}

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

// One of the three: the child's end, and for a pipe ours.
struct Ends {
  Fd theirs;  // Empty: inherited.
  Fd ours;
};

absl::StatusOr<Ends> OpenEnds(System& system, Redirect& redirect, int number) {
  Ends ends;
  switch (redirect.kind()) {
    case Redirect::Kind::kInherit:
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

// Out of the way of the three, where this program runs with one of them closed:
// dup2 of one would overwrite the other's original, and an end of ours would be
// taken for a stream that is to be inherited.
absl::Status MoveAboveTheThree(System& system, Fd& fd) {
  if (fd.empty() || fd.get() > STDERR_FILENO) return absl::OkStatus();
  Fd moved(system.fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1), system);
  if (!moved) return ErrnoToStatus(errno, "fcntl(F_DUPFD_CLOEXEC)");
  fd = std::move(moved);
  return absl::OkStatus();
}

// Whether this program was given it: what it has opened itself since, of that
// number, is closed by exec. (Ours is; System sees to it.)
bool IsInheritable(System& system, int number) {
  const int flags = system.fcntl(number, F_GETFD, 0);
  return flags != -1 && (flags & FD_CLOEXEC) == 0;
}

std::vector<std::string> EnvironmentOf(const ProcessOptions& options) {
  std::vector<std::string> variables;
  for (char** own = environ; options.inherit_environment && *own != nullptr;
       ++own) {
    const std::string_view variable(*own);
    const auto name = variable.substr(0, variable.find('='));
    if (!options.environment.contains(std::string(name))) {
      variables.emplace_back(variable);
    }
  }
  for (const auto& [name, value] : options.environment) {
    if (value.has_value()) variables.push_back(absl::StrCat(name, "=", *value));
  }
  return variables;
}

// As exec(3) takes them. Borrows: `strings`.
std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

absl::Status CheckStrings(const std::vector<std::string>& strings) {
  for (const std::string& string : strings) {
    if (string.find('\0') == std::string::npos) continue;
    return absl::InvalidArgumentError(
        "start a process: a zero byte in an argument or a variable");
  }
  return absl::OkStatus();
}

std::string NameOfStart(const ProcessOptions& options) {
  if (options.folder.empty()) {
    return absl::StrCat("start(\"", options.program, "\")");
  }
  return absl::StrCat("start(\"", options.program, "\" in \"", options.folder,
                      "\")");
}

// What the child's three standard streams are to be, as actions.
absl::StatusOr<std::array<Ends, 3>> AddRedirects(
    System& system, ProcessOptions& options,
    posix_spawn_file_actions_t& actions) {
  std::array<Ends, 3> ends;
  Redirect* const redirects[] = {&options.standard_input,
                                 &options.standard_output,
                                 &options.standard_error};
  for (int number = 0; number < 3; ++number) {
    absl::StatusOr<Ends> opened = OpenEnds(system, *redirects[number], number);
    if (!opened.ok()) return std::move(opened).status();
    for (Fd* end : {&opened->theirs, &opened->ours}) {
      const absl::Status moved = MoveAboveTheThree(system, *end);
      if (!moved.ok()) return moved;
    }
    // To itself, too, as POSIX tells a descriptor to be inherited.
    const bool inherited = opened->theirs.empty();
    const int theirs = inherited ? number : opened->theirs.get();
    if (!inherited || IsInheritable(system, number)) {
      const int error =
          posix_spawn_file_actions_adddup2(&actions, theirs, number);
      if (error != 0) return ErrnoToStatus(error, "posix_spawn: add dup2");
    }
    ends[static_cast<std::size_t>(number)] = *std::move(opened);
  }
  return ends;
}

}  // namespace

absl::StatusOr<StartedProcess> StartProcess(System& system,
                                            ProcessOptions options) {
  std::vector<std::string> arguments = options.arguments;
  arguments.insert(arguments.begin(), options.program);
  std::vector<std::string> environment = EnvironmentOf(options);
  for (const auto* strings : {&arguments, &environment}) {
    const absl::Status usable = CheckStrings(*strings);
    if (!usable.ok()) return usable;
  }

  SpawnArguments spawn;
  auto ends = AddRedirects(system, options, spawn.actions);
  if (!ends.ok()) return std::move(ends).status();
  if (!options.folder.empty()) {
    const int error = posix_spawn_file_actions_addchdir_np(
        &spawn.actions, options.folder.c_str());
    if (error != 0) return ErrnoToStatus(error, NameOfStart(options));
  }
  const absl::StatusOr<int> inherit = InheritNothingElse(spawn.actions);
  if (!inherit.ok()) return inherit.status();
  int flags = *inherit;
  if (options.new_group) flags |= POSIX_SPAWN_SETPGROUP;  // Of its own number.
  SetAttributes(spawn.attributes, flags);

  pid_t number = -1;
  if (system.posix_spawnp(&number, options.program.c_str(), &spawn.actions,
                          &spawn.attributes, Pointers(arguments).data(),
                          Pointers(environment).data()) == -1) {
    const int error = errno;
    return ErrnoToStatus(error, NameOfStart(options));
  }
  return StartedProcess{.number = number,
                        .standard_input = std::move((*ends)[0].ours),
                        .standard_output = std::move((*ends)[1].ours),
                        .standard_error = std::move((*ends)[2].ours)};
}

}  // namespace weft::net
