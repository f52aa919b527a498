// The arguments of posix_spawn, and what must be closed afterwards.
//
// SPDX-License-Identifier: MIT

#include "weft/net/process_start.h"

#include <signal.h>
#include <spawn.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "weft/net/process_check.h"
#include "weft/net/process_descriptors.h"
#include "weft/reactor/os_error.h"

extern "C" char** environ;  // environ(7): declared by nobody.

namespace weft::net {
namespace {

using ::weft::reactor::ErrnoToStatus;
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

// A session's leader leads a group, too, and may not be told to: setpgid(2).
int FlagsOf(const ProcessOptions& options) {
  if (options.new_session) return POSIX_SPAWN_SETSID;
  return options.new_group ? POSIX_SPAWN_SETPGROUP : 0;  // Of its own number.
}

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

std::vector<std::string> ArgumentsOf(const ProcessOptions& options) {
  std::vector<std::string> arguments;
  arguments.push_back(options.argument_zero.empty() ? options.program
                                                    : options.argument_zero);
  arguments.insert(arguments.end(), options.arguments.begin(),
                   options.arguments.end());
  return arguments;
}

std::vector<std::string> EnvironmentOf(const ProcessOptions& options) {
  std::vector<std::string> variables;
  // Null after a clearenv(3).
  char** own = options.inherit_environment ? environ : nullptr;
  for (; own != nullptr && *own != nullptr; ++own) {
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

}  // namespace

absl::StatusOr<StartedProcess> StartProcess(System& system,
                                            ProcessOptions options) {
  const absl::Status usable = CheckOptions(options);
  if (!usable.ok()) return usable;
  std::vector<std::string> arguments = ArgumentsOf(options);
  std::vector<std::string> environment = EnvironmentOf(options);

  SpawnArguments spawn;
  absl::StatusOr<Streams> streams =
      AddDescriptors(system, options, spawn.actions);
  if (!streams.ok()) return std::move(streams).status();
  if (!options.folder.empty()) {
    const int error = posix_spawn_file_actions_addchdir_np(
        &spawn.actions, options.folder.c_str());
    if (error != 0) return ErrnoToStatus(error, NameOfStart(options));
  }
  const absl::StatusOr<int> inherit =
      InheritNothingElse(options, spawn.actions);
  if (!inherit.ok()) return inherit.status();
  SetAttributes(spawn.attributes, *inherit | FlagsOf(options));

  pid_t number = -1;
  if (system.posix_spawnp(&number, options.program.c_str(), &spawn.actions,
                          &spawn.attributes, Pointers(arguments).data(),
                          Pointers(environment).data()) == -1) {
    const int error = errno;
    return ErrnoToStatus(error, NameOfStart(options));
  }
  return StartedProcess{.number = number,
                        .standard_input = std::move((*streams)[0].ours),
                        .standard_output = std::move((*streams)[1].ours),
                        .standard_error = std::move((*streams)[2].ours)};
}

}  // namespace weft::net
