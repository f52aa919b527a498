// printf ... | sort | head -n 3, without a shell: three programs, and the pipes
// between them. Or yours, with what comes in:
//
//     ./process_pipeline
//     ./process_pipeline sort '|' uniq -c '|' sort -rn </usr/share/dict/words
//
// The output of the first is in process_pipeline.out, and checked.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
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
// gives what the last of them writes, and how that one ends.
Task<absl::StatusOr<ProcessOutput>> RunPipeline(
    std::vector<ProcessOptions> programs) {
  std::vector<Process> running;
  Redirect input = Redirect::Inherit();
  for (ProcessOptions& program : programs) {
    program.standard_input = std::exchange(input, Redirect::Null());
    program.standard_output = Redirect::Pipe();
    if (&program != &programs.back()) {
      weft::net::PipeEnds between = co_await OrReturn(weft::net::OpenPipe());
      program.standard_output = Redirect::To(std::move(between.write));
      input = Redirect::To(std::move(between.read));
    }
    Process process = co_await OrReturn(Process::Spawn(std::move(program)));
    running.push_back(std::move(process));
  }
  co_return co_await CollectOutput(running.back());
}
// endregion

std::vector<ProcessOptions> TheFirstThree() {
  std::vector<ProcessOptions> programs;
  programs.emplace_back(
      "printf", std::vector<std::string>{"%s\\n", "weft", "selvage", "heddle",
                                         "warp", "shuttle", "loom"});
  programs.emplace_back("sort");
  programs.emplace_back("head", std::vector<std::string>{"-n", "3"});
  return programs;
}

// The programs that were named, with a bar between each two.
std::vector<ProcessOptions> Named(std::span<char*> words) {
  std::vector<ProcessOptions> programs;
  bool begins = true;
  for (const std::string_view word : words) {
    if (begins) {
      programs.emplace_back(std::string(word));
    } else if (word != "|") {
      programs.back().arguments.emplace_back(word);
    }
    begins = !begins && word == "|";
  }
  return programs;
}

// Prints what the last one writes, and ends as it does: as a shell would.
Task<absl::Status> Show(std::vector<ProcessOptions> programs) {
  ProcessOutput last = co_await OrReturn(RunPipeline(std::move(programs)));
  absl::PrintF("%s", last.standard_output);
  if (last.status.ok()) co_return absl::OkStatus();
  co_return absl::UnknownError(last.status.ToString());
}

}  // namespace

int main(int argc, char** argv) {
  const std::span words(argv, static_cast<std::size_t>(argc));
  return weft::RunMain(Show,
                       argc > 1 ? Named(words.subspan(1)) : TheFirstThree());
}
