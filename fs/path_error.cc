// Calls and paths, in words.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/path_error.h"

#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/string_view.h"

namespace weft::fs {

using ::weft::reactor::ToAbseil;

absl::Status PathError(int error, std::string_view call,
                       std::string_view path) {
  return reactor::ErrnoToStatus(
      error, absl::StrCat(ToAbseil(call), "(\"", ToAbseil(path), "\")"));
}

absl::Status CheckCall(int answer, std::string_view call,
                       std::string_view path) {
  if (answer != -1) return absl::OkStatus();
  return PathError(errno, call, path);
}

absl::Status CheckPath(std::string_view path) {
  if (path.find('\0') == std::string_view::npos) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a path cannot hold a zero byte: \"",
                   absl::CHexEscape(ToAbseil(path)), "\""));
}

}  // namespace weft::fs
