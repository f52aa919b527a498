// Writing until a step is done.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/write_step.h"

#include <sys/types.h>

#include <algorithm>
#include <cerrno>

#include "weft/fs/path_error.h"
#include "weft/reactor/os_error.h"

namespace weft::fs {

absl::Status WriteStep(reactor::System& system, const reactor::Fd& file,
                       std::string_view path, std::string_view& rest) {
  const std::size_t stop = rest.size() - std::min(kWriteStep, rest.size());
  while (rest.size() > stop) {
    const ssize_t taken = reactor::RetryInterrupted([&] {
      return system.write(file.get(), rest.data(), rest.size() - stop);
    });
    // Nothing at all is no answer that a file gives; asking on and on is no
    // way to find out why.
    if (taken <= 0) return PathError(taken == 0 ? 0 : errno, "write", path);
    rest.remove_prefix(static_cast<std::size_t>(taken));
  }
  return absl::OkStatus();
}

absl::Status CloseWritten(reactor::Fd& file, std::string_view path) {
  const absl::Status closed = file.Close();
  if (closed.ok()) return closed;
  return PathError(reactor::ErrnoOf(closed).value_or(0), "close", path);
}

}  // namespace weft::fs
