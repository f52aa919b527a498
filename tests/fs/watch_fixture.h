// Watchers to test, whatever they stand on: a directory, a simulation, and what
// a watcher has told.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_FS_WATCH_FIXTURE_H_
#define WEFT_TESTS_FS_WATCH_FIXTURE_H_

#include <fstream>
#include <ios>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/watch.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {

using Kind = FileChangeKind;

// What was told of one watch: kinds and names.
struct Told {
  Kind kind;
  std::string name;

  bool operator==(const Told&) const = default;
};

// That `name` has come into a watched directory, as far as the system says so.
inline auto IsCreation(std::string_view name) {
  return ::testing::AnyOf(Told{Kind::kCreated, std::string(name)},
                          Told{Kind::kEntries, ""});
}

inline Task<absl::StatusOr<FileChange>> TakeOne(Watcher& watcher) {
  co_return co_await watcher.Next();
}

// The changes that are there now.
inline Task<absl::StatusOr<std::vector<FileChange>>> TakeAll(Watcher& watcher) {
  std::vector<FileChange> all;
  for (;;) {
    absl::StatusOr<FileChange> change =
        co_await WithTimeout(absl::Seconds(1), TakeOne(watcher));
    if (absl::IsDeadlineExceeded(change.status())) co_return all;
    FileChange next = co_await OrReturn(std::move(change));
    all.push_back(std::move(next));
  }
}

// The same, without the news that a file was closed, which only Linux has.
inline Task<absl::StatusOr<std::vector<Told>>> TakeTold(Watcher& watcher) {
  std::vector<Told> told;
  std::vector<FileChange> all = co_await OrReturn(TakeAll(watcher));
  for (FileChange& change : all) {
    if (change.kind == Kind::kClosed) continue;
    told.push_back({change.kind, std::move(change.name)});
  }
  co_return told;
}

// Counts until the watcher is closed, or the wait cancelled.
inline Task<absl::Status> CountChanges(Watcher& watcher, int& count) {
  for (;;) {
    FileChange change = co_await OrReturn(watcher.Next());
    static_cast<void>(change);
    ++count;
  }
}

inline void Append(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::app) << text;
}

class WatchTest : public ::testing::Test {
 protected:
  template <typename Test>
  absl::Status Run(Test test) {
    weft::testing::Simulator sim({.seed = {}, .system = system_});
    return sim.Run(test(directory_));
  }

  weft::testing::TemporaryDirectory directory_;
  weft::testing::SimulatedSystem own_system_;
  weft::testing::SimulatedSystem* system_ = &own_system_;
};

}  // namespace weft::fs

#endif  // WEFT_TESTS_FS_WATCH_FIXTURE_H_
