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

Task<absl::Status> Feed(PipeWriter to, std::string input) {
  absl::Status written = co_await to.WriteAll(std::as_bytes(std::span(input)));
  // It has read what it wanted, or has ended.
  if (absl::IsUnavailable(written)) co_return absl::OkStatus();
  co_return written;
}

// Borrows: `text`, until the task has ended.
Task<absl::Status> Drain(PipeReader from, std::string& text, std::size_t most) {
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

// Suspends: until the program has ended.
// Cancel:   passed on to the three; the program runs on.
Task<absl::StatusOr<ProcessOutput>> Collect(Process& process, std::string input,
                                            std::size_t most) {
  std::string standard_output;
  std::string standard_error;
  absl::Status moved =
      co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
        if (process.has_stdin()) {
          scope.Spawn(Feed(process.TakeStdin(), std::move(input)));
        }
        if (process.has_stdout()) {
          scope.Spawn(Drain(process.TakeStdout(), standard_output, most));
        }
        if (process.has_stderr()) {
          scope.Spawn(Drain(process.TakeStderr(), standard_error, most));
        }
        co_return absl::OkStatus();
      });
  if (!moved.ok()) co_return moved;
  ExitStatus status = co_await OrReturn(process.Wait());
  co_return ProcessOutput{status, std::move(standard_output),
                          std::move(standard_error)};
}

Task<absl::StatusOr<ProcessOutput>> RunToItsEnd(ProcessOptions options,
                                                RunProcessOptions run_options) {
  const absl::Duration grace = run_options.grace;
  Process process = co_await OrReturn(Process::Spawn(std::move(options)));
  absl::StatusOr<ProcessOutput> output = co_await Collect(
      process, std::move(run_options.input), run_options.most_output);
  if (output.ok()) co_return output;
  absl::StatusOr<ExitStatus> ended = co_await Shield(process.Stop(grace));
  co_return std::move(output).status();
}

}  // namespace

Task<absl::StatusOr<ProcessOutput>> CollectOutput(Process& process,
                                                  std::string input,
                                                  std::size_t most) {
  return Collect(process, std::move(input), most);
}

Task<absl::StatusOr<ProcessOutput>> RunProcess(ProcessOptions options,
                                               RunProcessOptions run_options) {
  options.standard_input =
      run_options.input.empty() ? Redirect::Null() : Redirect::Pipe();
  options.standard_output = Redirect::Pipe();
  options.standard_error = Redirect::Pipe();
  return RunToItsEnd(std::move(options), std::move(run_options));
}

}  // namespace weft::net
