// Reading the three variables, and taking the descriptors that they name.
//
// SPDX-License-Identifier: MIT

#include "weft/net/socket_activation.h"

#include <fcntl.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "weft/reactor/os_error.h"

namespace weft::net {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::System;

constexpr int kFirst = 3;  // Behind the three standard streams.

// What a variable says, which is then gone.
std::optional<std::string> TakeVariable(System& system, const char* name) {
  const char* const value = system.getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string taken(value);
  system.unsetenv(name);
  return taken;
}

absl::StatusOr<int> Number(const std::string& text, std::string_view variable) {
  int number = 0;
  if (absl::SimpleAtoi(text, &number) && number >= 0) return number;
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(variable), "=\"", text, "\": not a number"));
}

absl::StatusOr<Fd> Take(System& system, int number) {
  if (system.fcntl(number, F_SETFD, FD_CLOEXEC) == 0) {
    return Fd(number, system);
  }
  const int error = errno;
  return absl::FailedPreconditionError(
      reactor::ErrnoToStatus(
          error, absl::StrCat("descriptor ", number, " of LISTEN_FDS"))
          .message());
}

}  // namespace

absl::StatusOr<std::vector<ActivatedSocket>> TakeActivatedSockets(
    System& system) {
  const std::optional<std::string> process = TakeVariable(system, "LISTEN_PID");
  const std::optional<std::string> count = TakeVariable(system, "LISTEN_FDS");
  const std::optional<std::string> names =
      TakeVariable(system, "LISTEN_FDNAMES");
  std::vector<ActivatedSocket> sockets;
  if (!process.has_value() || !count.has_value()) return sockets;
  const absl::StatusOr<int> whose = Number(*process, "LISTEN_PID");
  const absl::StatusOr<int> how_many = Number(*count, "LISTEN_FDS");
  absl::Status status = whose.status();
  status.Update(how_many.status());
  if (!status.ok()) return status;
  // For another process: the variables were inherited, the sockets not.
  if (*whose != system.getpid()) return sockets;

  const std::vector<std::string> called =
      absl::StrSplit(names.value_or(""), ':', absl::AllowEmpty());
  for (int i = 0; i < *how_many; ++i) {
    absl::StatusOr<Fd> socket = Take(system, kFirst + i);
    if (!socket.ok()) return std::move(socket).status();
    const auto index = static_cast<std::size_t>(i);
    const bool named = index < called.size() && !called[index].empty();
    sockets.push_back({named ? called[index] : "unknown", *std::move(socket)});
  }
  return sockets;
}

}  // namespace weft::net
