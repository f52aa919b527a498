// PromptChildren: a system whose children have ended by the time that anybody
// asks, so that what depends on their end happens in simulated time.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_PROMPT_CHILDREN_H_
#define WEFT_TESTS_SUPPORT_PROMPT_CHILDREN_H_

#include <signal.h>
#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cstdlib>

#include "weft/runtime/testing/simulated_system.h"

namespace weft::testing {

class PromptChildren : public SimulatedSystem {
 public:
  // Whether a start returns when the child has ended: for children that end by
  // themselves, without anything from us.
  explicit PromptChildren(bool end_at_once) : end_at_once_(end_at_once) {}

  int posix_spawnp(pid_t* process, const char* file,
                   const posix_spawn_file_actions_t* actions,
                   const posix_spawnattr_t* attributes, char* const arguments[],
                   char* const environment[]) override {
    const int started = SimulatedSystem::posix_spawnp(
        process, file, actions, attributes, arguments, environment);
    if (started == 0) last_ = *process;
    if (started == 0 && end_at_once_) AwaitEnd(*process);
    return started;
  }

  // For children that end by any signal.
  int kill(pid_t process, int signal) override {
    const int sent = SimulatedSystem::kill(process, signal);
    if (sent == 0) AwaitEnd(std::abs(process));
    return sent;
  }

  // The child started last; 0 where there was none.
  pid_t last() const { return last_; }

 private:
  static void AwaitEnd(pid_t process) {
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(process), &ended, WEXITED | WNOWAIT);
  }

  const bool end_at_once_;
  pid_t last_ = 0;
};

}  // namespace weft::testing

#endif  // WEFT_TESTS_SUPPORT_PROMPT_CHILDREN_H_
