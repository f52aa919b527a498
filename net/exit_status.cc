// What the bits of a wait status mean.
//
// SPDX-License-Identifier: MIT

#include "weft/net/exit_status.h"

#include <sys/wait.h>

#include "absl/strings/str_cat.h"

namespace weft::net {

std::optional<int> ExitStatus::code() const noexcept {
  if (!WIFEXITED(wait_status_)) return std::nullopt;
  return WEXITSTATUS(wait_status_);
}

std::optional<int> ExitStatus::signal() const noexcept {
  if (!WIFSIGNALED(wait_status_)) return std::nullopt;
  return WTERMSIG(wait_status_);
}

bool ExitStatus::dumped_core() const noexcept {
  return WIFSIGNALED(wait_status_) && WCOREDUMP(wait_status_);
}

std::string ExitStatus::ToString() const {
  if (const std::optional<int> exited = code()) {
    return absl::StrCat("exit code ", *exited);
  }
  return absl::StrCat("signal ", signal().value_or(0),
                      dumped_core() ? ", core dumped" : "");
}

}  // namespace weft::net
