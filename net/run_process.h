// RunProcess: a program from its start to its end, with all that it wrote.
//
//     ProcessOptions options("git", {"status"});
//     ProcessOutput git = co_await OrReturn(RunProcess(std::move(options)));
//     if (!git.status.ok()) ...
//
// A cancelled scope ends the program: it is asked to (SIGTERM), given a grace
// period, and then killed; and it is waited for, shielded, so that neither it
// nor a zombie is left behind when the scope is. What it writes meanwhile is
// read and dropped. Where that is too slow, give a shorter grace.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_RUN_PROCESS_H_
#define WEFT_NET_RUN_PROCESS_H_

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/net/exit_status.h"
#include "weft/net/process.h"
#include "weft/net/process_options.h"
#include "weft/runtime/task.h"

namespace weft::net {

struct ProcessOutput {
  ExitStatus status;
  // Empty for a stream that was no pipe.
  std::string standard_output;
  std::string standard_error;
};

// A limit on each of the two texts.
inline constexpr std::size_t kMostOutput = std::size_t{64} << 20;

// Writes `input`, if its input is a pipe, and closes it; reads all that it
// writes to those of its outputs that are pipes; and waits for its end. A
// program that does not read all of `input` is no error.
//
// Suspends: until the program has ended, and whoever else has its pipes.
// Cancel:   CANCELLED; the program runs on, its pipes are closed, and an
//           unknown part has been written and read.
// Borrows:  `process`, whose pipes it takes.
// Errors:   RESOURCE_EXHAUSTED where it writes more than `most` bytes; it runs
//           on then, too. Else as Process::Wait and the pipes'.
Task<absl::StatusOr<ProcessOutput>> CollectOutput(
    Process& process, std::string input = {}, std::size_t most = kMostOutput);

// With a constructor, for the reason that ProcessOptions has one.
struct RunProcessOptions {
  explicit RunProcessOptions(std::string input = {})
      : input(std::move(input)) {}

  std::string input;
  std::size_t most_output = kMostOutput;
  // Between SIGTERM and SIGKILL.
  absl::Duration grace = absl::Seconds(5);
};

// Starts the program, gives it `input`, and collects its outputs; what
// `options` says of its three streams does not count, but that its standard
// error is Redirect::ToStandardOutput(): then there is one text of both.
//
// Suspends: until the program has ended, and whoever else has its pipes.
// Cancel:   CANCELLED, when the program has been ended, as above.
// Errors:   as Process::Spawn and CollectOutput; the program has been ended
//           then, too. How it ended is no error. PERMISSION_DENIED where it was
//           to be ended and may not be signalled: it runs on, without its
//           pipes, and is reaped when it ends. So also of a cancelled one.
Task<absl::StatusOr<ProcessOutput>> RunProcess(
    ProcessOptions options,
    RunProcessOptions run_options = RunProcessOptions());

}  // namespace weft::net

#endif  // WEFT_NET_RUN_PROCESS_H_
