// Which errno is which Status, and how its text is made.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/os_error.h"

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "weft/reactor/string_view.h"

namespace weft::reactor {
namespace {

// Under this name a Status carries the number it was made from, in decimal. It
// is short because ToString shows it: `... No such file or directory
// [errno='2']`.
constexpr std::string_view kErrnoPayload = "errno";

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case 0:
      return absl::StatusCode::kUnknown;
    case ETIMEDOUT:
    case ETIME:
    case EPIPE:
    case ESHUTDOWN:
      return absl::StatusCode::kUnavailable;
    case ECANCELED:
      return absl::StatusCode::kAborted;
    case EADDRNOTAVAIL:
    case EALREADY:
    case EINPROGRESS:
    case ELOOP:
    case EXDEV:
      return absl::StatusCode::kFailedPrecondition;
    case ENODATA:
      return absl::StatusCode::kNotFound;
    case EIO:
      return absl::StatusCode::kDataLoss;
    default:
      return absl::ErrnoToStatusCode(error);
  }
}

}  // namespace

absl::Status ErrnoToStatus(int error, std::string_view what) {
  // Asked for its text only: it knows strerror's ways on every system.
  const absl::Status named = absl::ErrnoToStatus(error, ToAbseil(what));
  absl::Status status(
      CodeOf(error),
      error == 0 ? absl::StrCat(ToAbseil(what), ": failed without an errno")
                 : std::string(named.message()));
  const std::string number = absl::StrCat(error);
  status.SetPayload(ToAbseil(kErrnoPayload), absl::Cord(ToAbseil(number)));
  return status;
}

std::optional<int> ErrnoOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload =
      status.GetPayload(ToAbseil(kErrnoPayload));
  int error = 0;
  if (!payload.has_value() ||
      !absl::SimpleAtoi(std::string(*payload), &error)) {
    return std::nullopt;
  }
  return error;
}

}  // namespace weft::reactor
