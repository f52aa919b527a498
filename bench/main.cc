// The main of every benchmark program: Google Benchmark's, with exact names.
//
// All we measure is measured in real time, since the work is done by threads
// that the benchmark's own thread waits for; beside it stands the processor
// time of the whole process, which a busy machine disturbs less. Google
// Benchmark would append that to each name ("runtime/yield/weft/1/2/real_time")
// and a fixed number of iterations too; a name here is what is asked and no
// more, so that a script can compare `weft` with `floor`.
//
// SPDX-License-Identifier: MIT

#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"

namespace {

// Hands on what it is told, under the shorter names.
class ExactNames final : public benchmark::BenchmarkReporter {
 public:
  explicit ExactNames(std::unique_ptr<BenchmarkReporter> reporter)
      : reporter_(std::move(reporter)) {}

  bool ReportContext(const Context& context) override {
    reporter_->SetOutputStream(&GetOutputStream());
    reporter_->SetErrorStream(&GetErrorStream());
    return reporter_->ReportContext(context);
  }
  void ReportRuns(const std::vector<Run>& report) override {
    std::vector<Run> runs = report;
    for (Run& run : runs) {
      run.run_name.time_type.clear();
      run.run_name.iterations.clear();
    }
    reporter_->ReportRuns(runs);
  }
  void Finalize() override { reporter_->Finalize(); }

 private:
  const std::unique_ptr<BenchmarkReporter> reporter_;
};

// A reporter for a file that nobody asked for is an error.
bool WantsFile(int argc, char** argv) {
  constexpr char kFlag[] = "--benchmark_out=";
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], kFlag, sizeof(kFlag) - 1) == 0) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const bool wants_file = WantsFile(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  std::unique_ptr<benchmark::BenchmarkReporter> table(
      benchmark::CreateDefaultDisplayReporter());
  ExactNames display(std::move(table));
  ExactNames file(std::make_unique<benchmark::JSONReporter>());
  benchmark::RunSpecifiedBenchmarks(&display, wants_file ? &file : nullptr);
  benchmark::Shutdown();
}
