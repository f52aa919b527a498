// ProcessOptions: what program to start, and in what surroundings.
//
//     ProcessOptions sort("sort", {"-r"});
//     sort.standard_input = Redirect::Pipe();
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
  enum class Kind { kInherit, kNull, kPipe, kDescriptor };

  // Where this program's own leads.
  static Redirect Inherit() { return Redirect(Kind::kInherit); }
  // Nowhere: nothing to read, and what is written vanishes.
  static Redirect Null() { return Redirect(Kind::kNull); }
  // To this program, which takes the other end: Process::TakeStdin and so on.
  static Redirect Pipe() { return Redirect(Kind::kPipe); }
  // To `descriptor`. It is made to block, as programs expect, for all who share
  // the open file; and closed here when the child has it.
  static Redirect To(reactor::Fd descriptor) {
    return Redirect(Kind::kDescriptor, std::move(descriptor));
  }

  Kind kind() const noexcept { return kind_; }
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
  // Variables that are added to this program's own, and those of them that are
  // taken away (empty). Without `inherit_environment` they are all there are.
  std::map<std::string, std::optional<std::string>> environment = {};
  bool inherit_environment = true;
  // Where it works; empty for where this program does.
  std::string folder = {};
  Redirect standard_input = Redirect::Inherit();
  Redirect standard_output = Redirect::Inherit();
  Redirect standard_error = Redirect::Inherit();
  // Whether it leads a process group of its own. Signals that are sent to it
  // here, also the one on_drop sends, then reach all that it has started and
  // that has not left the group; those of the terminal's keys do not. When it
  // has ended, what is left of its group is out of reach.
  bool new_group = false;
  OnDrop on_drop = OnDrop::kKill;
};

}  // namespace weft::net

#endif  // WEFT_NET_PROCESS_OPTIONS_H_
