// Sessions on files, for SingleFaults: each run has a directory of its own, and
// one file in it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_FS_SESSION_FOLDER_H_
#define WEFT_TESTS_FS_SESSION_FOLDER_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/tests/support/single_faults.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {

// What is in the file, which is called "old".
constexpr std::string_view kText =
    "to be written, and to be read again, and long enough for a call to be cut "
    "short in many a place";

// A directory that is made anew for each run.
class SessionFolder {
 public:
  testing::TemporaryDirectory& Renew() {
    folder_.reset();
    return folder_.emplace();
  }
  const testing::TemporaryDirectory& get() const { return *folder_; }

  // Names that begin as those do that nobody is meant to see.
  absl::Status CheckNothingTemporaryIsLeft() const {
    for (const std::string& name : folder_->Names()) {
      if (name.starts_with(".weft-")) {
        return absl::InternalError(absl::StrCat(name, " is left"));
      }
    }
    return absl::OkStatus();
  }

 private:
  std::optional<testing::TemporaryDirectory> folder_;
};

template <typename Program, typename Check>
tests::Session InFolder(SessionFolder& folder, Program program, Check check,
                        std::vector<std::string_view> tidies_by = {}) {
  return {
      .start =
          [&folder, program] {
            const testing::TemporaryDirectory& fresh = folder.Renew();
            fresh.Write("old", kText);
            return program(fresh.path());
          },
      .check = [&folder, check](
                   const absl::Status& ended) { return check(ended, folder); },
      .tidies_by = std::move(tidies_by)};
}

inline absl::Status NothingMore(const absl::Status&, const SessionFolder&) {
  return absl::OkStatus();
}

}  // namespace weft::fs

#endif  // WEFT_TESTS_FS_SESSION_FOLDER_H_
