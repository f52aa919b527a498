// Three streams at once, and the end.
//
// SPDX-License-Identifier: MIT

#include "weft/net/run_process.h"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/pipe.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"

namespace weft::net {
namespace {

// Our ends of its pipes, of which it learns nothing before it is told to end: a
// program whose output nobody reads dies of SIGPIPE in the middle of its
// clean-up, and one whose input ends takes what it has for all there is.
struct Pipes {
  explicit Pipes(Process& process) {
    if (process.has_stdin()) input.emplace(process.TakeStdin());
    if (process.has_stdout()) output.emplace(process.TakeStdout());
    if (process.has_stderr()) errors.emplace(process.TakeStderr());
  }

  std::optional<PipeWriter> input;
  std::optional<PipeReader> output;
  std::optional<PipeReader> errors;
};

// Borrows: `to`, until the task has ended.
Task<absl::Status> Feed(PipeWriter& to, std::string input) {
  absl::Status written = co_await to.WriteAll(std::as_bytes(std::span(input)));
  // It has read what it wanted, or has ended.
  if (absl::IsUnavailable(written)) written = absl::OkStatus();
  if (written.ok()) to.Close();
  co_return written;
}

// Borrows: `from` and `text`, until the task has ended.
Task<absl::Status> Drain(PipeReader& from, std::string& text,
                         std::size_t most) {
  std::array<std::byte, 16384> buffer;
  for (;;) {
    std::size_t got = co_await OrReturn(from.Read(buffer));
    if (got == 0) co_return absl::OkStatus();
    if (got > most - text.size()) {
      co_return absl::ResourceExhaustedError(absl::StrCat(
          "collect a program's output: more than ", most, " bytes"));
    }
    text.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
}

// What it writes now is for nobody, but it must not be held up by it.
// Borrows: `from`, until the task has ended.
Task<void> Discard(PipeReader& from) {
  std::array<std::byte, 16384> buffer;
  for (;;) {
    absl::StatusOr<std::size_t> got = co_await from.Read(buffer);
    if (got.value_or(0) == 0) co_return;
  }
}

// Suspends: until the program has ended.
// Cancel:   passed on to the three; the program runs on.
// Borrows:  `process` and `pipes`.
Task<absl::StatusOr<ProcessOutput>> Collect(Process& process, Pipes& pipes,
                                            std::string input,
                                            std::size_t most) {
  std::string standard_output;
  std::string standard_error;
  absl::Status moved =
      co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
        if (pipes.input) scope.Spawn(Feed(*pipes.input, std::move(input)));
        if (pipes.output) {
          scope.Spawn(Drain(*pipes.output, standard_output, most));
        }
        if (pipes.errors) {
          scope.Spawn(Drain(*pipes.errors, standard_error, most));
        }
        co_return absl::OkStatus();
      });
  if (!moved.ok()) co_return moved;
  ExitStatus status = co_await OrReturn(process.Wait());
  co_return ProcessOutput{status, std::move(standard_output),
                          std::move(standard_error)};
}

Task<absl::StatusOr<ProcessOutput>> TakeAndCollect(Process& process,
                                                   std::string input,
                                                   std::size_t most) {
  Pipes pipes(process);
  absl::StatusOr<ProcessOutput> output =
      co_await Collect(process, pipes, std::move(input), most);
  co_return output;
}

// Suspends: until the program has ended, if it can be; not for others that have
//           its pipes.
// Cancel:   as Process::Stop.
// Borrows:  `process` and `pipes`.
Task<absl::StatusOr<ExitStatus>> StopAndDiscard(Process& process, Pipes& pipes,
                                                absl::Duration grace) {
  co_return co_await WithScope(
      [&](Scope& scope) -> Task<absl::StatusOr<ExitStatus>> {
        if (pipes.output) scope.Spawn(Discard(*pipes.output));
        if (pipes.errors) scope.Spawn(Discard(*pipes.errors));
        absl::StatusOr<ExitStatus> ended = co_await process.Stop(grace);
        scope.Cancel();
        co_return ended;
      });
}

Task<absl::StatusOr<ProcessOutput>> RunToItsEnd(ProcessOptions options,
                                                RunProcessOptions run_options) {
  const absl::Duration grace = run_options.grace;
  Process process = co_await OrReturn(Process::Spawn(std::move(options)));
  Pipes pipes(process);
  absl::StatusOr<ProcessOutput> output = co_await Collect(
      process, pipes, std::move(run_options.input), run_options.most_output);
  if (output.ok()) co_return output;
  absl::StatusOr<ExitStatus> ended =
      co_await Shield(StopAndDiscard(process, pipes, grace));
  // That it runs on is worse than why it was to end.
  if (absl::IsPermissionDenied(ended.status())) co_return ended.status();
  co_return std::move(output).status();
}

}  // namespace

Task<absl::StatusOr<ProcessOutput>> CollectOutput(Process& process,
                                                  std::string input,
                                                  std::size_t most) {
  return TakeAndCollect(process, std::move(input), most);
}

Task<absl::StatusOr<ProcessOutput>> RunProcess(ProcessOptions options,
                                               RunProcessOptions run_options) {
  options.standard_input =
      run_options.input.empty() ? Redirect::Null() : Redirect::Pipe();
  options.standard_output = Redirect::Pipe();
  const bool joined =
      options.standard_error.kind() == Redirect::Kind::kStandardOutput;
  if (!joined) options.standard_error = Redirect::Pipe();
  return RunToItsEnd(std::move(options), std::move(run_options));
}

}  // namespace weft::net
