// From times to timespecs.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/file_times.h"

#include <sys/stat.h>

namespace weft::fs {
namespace {

timespec ToTimespec(const std::optional<absl::Time>& time) noexcept {
  if (time.has_value()) return absl::ToTimespec(*time);
  return {.tv_sec = 0, .tv_nsec = UTIME_OMIT};
}

}  // namespace

std::array<timespec, 2> ToTimespecs(const FileTimes& times) noexcept {
  return {ToTimespec(times.accessed), ToTimespec(times.modified)};
}

}  // namespace weft::fs
