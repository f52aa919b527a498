// printf ... | sort | head -n 3, without a shell: three programs, and the pipes
// between them.
//
// The output is in process_pipeline.out, and checked.
//
// SPDX-License-Identifier: MIT

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "weft/net/pipe.h"
#include "weft/net/process.h"
#include "weft/net/process_options.h"
#include "weft/net/run_process.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/run.h"
#include "weft/runtime/task.h"

namespace {

using weft::OrReturn, weft::Task;
using weft::net::CollectOutput, weft::net::Process, weft::net::ProcessOptions,
    weft::net::ProcessOutput, weft::net::Redirect;

// region: pipeline
// Starts the programs, each one's output leading to the next one's input, and
// gives what the last of them writes.
Task<absl::StatusOr<std::string>> RunPipeline(
    std::vector<ProcessOptions> programs) {
  std::vector<Process> running;
  Redirect input = Redirect::Null();
  for (ProcessOptions& program : programs) {
    program.standard_input = std::move(input);
    program.standard_output = Redirect::Pipe();
    if (&program != &programs.back()) {
      weft::net::PipeEnds between = co_await OrReturn(weft::net::OpenPipe());
      program.standard_output = Redirect::To(std::move(between.write));
      input = Redirect::To(std::move(between.read));
    }
    Process process = co_await OrReturn(Process::Spawn(std::move(program)));
    running.push_back(std::move(process));
  }
  ProcessOutput last = co_await OrReturn(CollectOutput(running.back()));
  co_return std::move(last.standard_output);
}
// endregion

Task<absl::Status> ShowTheFirstThree() {
  std::vector<ProcessOptions> programs;
  programs.emplace_back(
      "printf", std::vector<std::string>{"%s\\n", "weft", "selvage", "heddle",
                                         "warp", "shuttle", "loom"});
  programs.emplace_back("sort");
  programs.emplace_back("head", std::vector<std::string>{"-n", "3"});
  std::string shown = co_await OrReturn(RunPipeline(std::move(programs)));
  absl::PrintF("%s", shown);
  co_return absl::OkStatus();
}

}  // namespace

int main() { return weft::RunMain(ShowTheFirstThree); }
