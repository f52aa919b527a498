// The limit and its message.
//
// SPDX-License-Identifier: MIT

#include "weft/net/connect_within.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/runtime/deadline.h"

namespace weft::net {

Task<absl::StatusOr<TcpStream>> ConnectWithin(
    absl::Duration timeout, Task<absl::StatusOr<TcpStream>> connecting,
    std::string name) {
  if (timeout == absl::InfiniteDuration()) {
    co_return co_await std::move(connecting);
  }
  absl::StatusOr<TcpStream> stream =
      co_await WithTimeout(timeout, std::move(connecting));
  if (!absl::IsDeadlineExceeded(stream.status())) co_return stream;
  co_return absl::DeadlineExceededError(
      absl::StrCat(name, ": no answer for ", absl::FormatDuration(timeout)));
}

}  // namespace weft::net
