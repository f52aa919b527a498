// ProcessOptions: what program to start, and in what surroundings.
//
//     ProcessOptions sort("sort", {"-r"});
//     sort.standard_input = Redirect::Pipe();
//
// Not among them is what posix_spawn(3) cannot set: another user or group, the
// mask of new files, limits. For those start a program that sets them and
// becomes the other, such as setpriv(1), or `sh -c 'umask 077; exec "$0"'`.
//
// With a constructor, unlike other options: these own memory and are handed to
// a coroutine, and g++ 12 destroys aggregates twice on that way.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_PROCESS_OPTIONS_H_
#define WEFT_NET_PROCESS_OPTIONS_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weft/reactor/fd.h"

namespace weft::net {

// Where one of a child's three standard streams leads.
class Redirect {
 public:
  enum class Kind { kInherit, kNull, kPipe, kDescriptor, kStandardOutput };

  // Where this program's own leads.
  static Redirect Inherit() { return Redirect(Kind::kInherit); }
  // Nowhere: nothing to read, and what is written vanishes.
  static Redirect Null() { return Redirect(Kind::kNull); }
  // To this program, which takes the other end: Process::TakeStdin and so on.
  static Redirect Pipe() { return Redirect(Kind::kPipe); }
  // To `descriptor`, which is not empty. It is made to block, as programs
  // expect, for all who share the open file; and closed here when the child has
  // it.
  static Redirect To(reactor::Fd descriptor) {
    return Redirect(Kind::kDescriptor, std::move(descriptor));
  }
  // Where the child's standard output leads: both write into one stream, in the
  // order in which they do. For standard_error only.
  static Redirect ToStandardOutput() { return Redirect(Kind::kStandardOutput); }

  Kind kind() const noexcept { return kind_; }
  // Whether it is To a descriptor that is empty: no program starts with it.
  bool leads_to_nothing() const noexcept {
    return kind_ == Kind::kDescriptor && descriptor_.empty();
  }
  // Requires: kind() is kDescriptor.
  reactor::Fd TakeDescriptor() { return std::move(descriptor_); }

 private:
  explicit Redirect(Kind kind, reactor::Fd descriptor = {})
      : kind_(kind), descriptor_(std::move(descriptor)) {}

  Kind kind_;
  reactor::Fd descriptor_;
};

// What becomes of a child whose Process is dropped before it has ended.
enum class OnDrop {
  kKill,   // SIGKILL.
  kLeave,  // It runs on, and is reaped when it ends.
};

struct ProcessOptions {
  explicit ProcessOptions(std::string program,
                          std::vector<std::string> arguments = {})
      : program(std::move(program)), arguments(std::move(arguments)) {}

  // Looked for in this program's PATH, unless it has a slash in it. With a
  // slash it is best absolute: systems differ in what else it is relative to
  // where there is a `folder`.
  std::string program;
  std::vector<std::string> arguments;
  // What it is told that it is called, its argv[0]; empty for `program`. Some
  // programs are several, and go by that. (A script is not told: execve(2).)
  std::string argument_zero = {};
  // By their names, which are neither empty nor have a "=": variables that are
  // added to this program's own, and those of them that are taken away (no
  // value). Without `inherit_environment` they are all there are.
  std::map<std::string, std::optional<std::string>> environment = {};
  bool inherit_environment = true;
  // Where it works; empty for where this program does.
  std::string folder = {};
  Redirect standard_input = Redirect::Inherit();
  Redirect standard_output = Redirect::Inherit();
  Redirect standard_error = Redirect::Inherit();
  // What it gets besides, by the numbers that it finds them under: from 3 to
  // 1023, and below this program's RLIMIT_NOFILE. None is empty; each is passed
  // on as it is, whether it blocks or not, and closed here when the child has
  // it; no other child gets it.
  //
  // Sockets for a program that expects them from systemd (socket_activation.h)
  // are 3, 4, ..., with LISTEN_FDS in `environment`. LISTEN_PID is the child's
  // own number, so it has to say that itself, as here:
  //     sh -c 'exec env LISTEN_PID=$$ "$0" "$@"' program argument...
  std::map<int, reactor::Fd> descriptors = {};
  // Whether it leads a process group of its own. Signals that are sent to it
  // here, also the one on_drop sends, then reach all that it has started and
  // that has not left the group; those of the terminal's keys do not. When it
  // has ended, what is left of its group is out of reach.
  bool new_group = false;
  // Whether it leads a session of its own, and with that a group, as above. It
  // has no terminal then, and runs on when ours hangs up: setsid(2).
  bool new_session = false;
  OnDrop on_drop = OnDrop::kKill;
};

}  // namespace weft::net

#endif  // WEFT_NET_PROCESS_OPTIONS_H_
