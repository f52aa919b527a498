// Mortal: a child process that lives until it is told to end, for tests of how
// ends are noticed.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_MORTAL_H_
#define WEFT_TESTS_SUPPORT_MORTAL_H_

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/base/internal/raw_logging.h"

namespace weft::testing {

// Threads: none but the test's, at its making: it forks.
class Mortal {
 public:
  Mortal() : process_(::fork()) {
    ABSL_RAW_CHECK(process_ != -1, "the test cannot fork");
    if (process_ != 0) return;
    ::alarm(kOutlivesATestThatDied);
    for (;;) ::pause();
  }
  Mortal(const Mortal&) = delete;
  Mortal& operator=(const Mortal&) = delete;
  ~Mortal() {
    if (reaped_) return;
    End();
    Reap();
  }

  pid_t number() const { return process_; }

  // Has ended, and been waited for by nobody, when it returns: a zombie.
  void End() {
    ::kill(process_, SIGKILL);
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOWAIT);
  }

  void Reap() {
    ::waitpid(process_, nullptr, 0);
    reaped_ = true;
  }
  // Somebody else has reaped it.
  void Forget() { reaped_ = true; }

 private:
  static constexpr unsigned kOutlivesATestThatDied = 60;  // Seconds, at most.

  const pid_t process_;
  bool reaped_ = false;
};

}  // namespace weft::testing

#endif  // WEFT_TESTS_SUPPORT_MORTAL_H_
