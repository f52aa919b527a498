// Process: a program that this one has started.
//
//     ProcessOptions options("sort");
//     options.standard_input = Redirect::Pipe();
//     Process sort = co_await OrReturn(Process::Spawn(std::move(options)));
//     PipeWriter input = sort.TakeStdin();
//     ...
//     ExitStatus status = co_await OrReturn(sort.Wait());
//
// Who reaps. A child that has ended stays in the system's table until it is
// waited for, and the one who started it may have gone by then. So a Process is
// only a handle; the end itself is registered with the reactor, which reaps:
//
//     Process --+
//               +--> ProcessEnd : reactor::Child <--- ChildExits, until reaped
//     a Wait ---+         |
//                     sync::Event: ended
//
// Dropping the handle kills the child (OnDrop says otherwise), because a task
// that is cancelled drops what it holds, and nothing that a scope has started
// should outlive the scope. SIGKILL is the only signal that a destructor, which
// cannot wait, can rely on: to let the child say goodbye, Stop it, as
// RunProcess (run_process.h) does.
//
// Rejected: a task for each child that waits and reaps (it would be cancelled
// with all others when the runtime ends, and keep the runtime from ending if it
// refused).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_PROCESS_H_
#define WEFT_NET_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/exit_status.h"
#include "weft/net/pipe.h"
#include "weft/net/process_options.h"
#include "weft/runtime/task.h"

namespace weft::net {

class ProcessEnd;
struct StartedProcess;

// Threads: any, but the Take functions from one at a time. Moving and
//          destroying it are for when nobody else uses it.
class Process {
 public:
  // Starts a program.
  //
  // Suspends: until the program is in memory: on the blocking pool, since its
  //           file may have to be fetched first.
  // Cancel:   CANCELLED; nothing was started.
  // Owns:     the descriptors in `options`.
  // Errors:   NOT_FOUND for the program or the folder, PERMISSION_DENIED,
  //           INVALID_ARGUMENT for text with a zero byte in it, a name that no
  //           variable can have, a Redirect::To an empty descriptor, one
  //           ToStandardOutput that is not of the standard error, a descriptor
  //           that is empty or cannot have its number;
  //           RESOURCE_EXHAUSTED where no process or descriptor is left.
  // Cost:     that of vfork and exec, half a millisecond and more.
  static Task<absl::StatusOr<Process>> Spawn(ProcessOptions options);

  // A moved-from process can only be destroyed or assigned to. What is assigned
  // to is dropped first, as by its destructor.
  Process(Process&& other) noexcept = default;
  Process& operator=(Process&& other) noexcept;
  // As options.on_drop says, if the system lets us signal it. Its pipes are
  // closed.
  ~Process();

  pid_t pid() const noexcept;

  // Waits until it has ended. Any number of tasks may, again and again, and all
  // get the same answer. Pipes that were not taken stay open meanwhile: a child
  // that fills one nobody reads does not end.
  //
  // Suspends: until it has ended.
  // Cancel:   CANCELLED; the process runs on.
  // Errors:   FAILED_PRECONDITION where something else in the program has
  //           waited for it, or ignores SIGCHLD: nobody knows how it ended.
  Task<absl::StatusOr<ExitStatus>> Wait() const;

  // As Wait, but never suspends: nothing where it is not known to have ended.
  // The reactor learns of an end when it polls, so a task that asks in a loop
  // suspends in between, as with SleepFor.
  //
  // Rejected: to ask the system here. The poller has to forget a child before
  // it is reaped (reactor/child_exits.h), and to watch it anew is no question.
  std::optional<absl::StatusOr<ExitStatus>> TryWait() const;

  // Whether it is known to have ended.
  bool has_ended() const noexcept;

  // Sends a signal; to all of its group, where it leads one (new_group,
  // new_session).
  //
  // Errors: NOT_FOUND where it has ended: the signal never reaches another
  //         process that was given its number. PERMISSION_DENIED where it has
  //         become another user's (setuid(2)), also where others of its group
  //         got the signal.
  absl::Status Signal(int signal);
  // SIGKILL.
  absl::Status Kill();

  // Ends it: SIGTERM, and where it has not ended after `grace`, SIGKILL.
  //
  // Suspends: until it has ended.
  // Cancel:   CANCELLED; it has been sent SIGTERM, and may be about to end.
  // Errors:   as Wait; PERMISSION_DENIED where it may not be signalled, as
  //           Signal says. It runs on then, or has just ended by itself, is
  //           reaped when it ends, and can be waited for.
  Task<absl::StatusOr<ExitStatus>> Stop(absl::Duration grace);

  // Our ends of what was Redirect::Pipe(), each once; whether they are there.
  bool has_stdin() const noexcept { return standard_input_.has_value(); }
  bool has_stdout() const noexcept { return standard_output_.has_value(); }
  bool has_stderr() const noexcept { return standard_error_.has_value(); }
  PipeWriter TakeStdin();
  PipeReader TakeStdout();
  PipeReader TakeStderr();

 private:
  Process(std::shared_ptr<ProcessEnd> end, OnDrop on_drop) noexcept;
  Process(std::shared_ptr<ProcessEnd> end, OnDrop on_drop,
          StartedProcess started);

  static Task<absl::StatusOr<ExitStatus>> WaitFor(
      std::shared_ptr<ProcessEnd> end);
  static Task<absl::StatusOr<ExitStatus>> StopWithin(
      std::shared_ptr<ProcessEnd> end, absl::Duration grace);
  void Drop() noexcept;

  std::shared_ptr<ProcessEnd> end_;  // Null when moved from.
  OnDrop on_drop_;
  std::optional<PipeWriter> standard_input_;
  std::optional<PipeReader> standard_output_;
  std::optional<PipeReader> standard_error_;
};

}  // namespace weft::net

#endif  // WEFT_NET_PROCESS_H_
