// Reading the three variables, and taking the descriptors that they name.
//
// SPDX-License-Identifier: MIT

#include "weft/net/socket_activation.h"

#include <fcntl.h>

#include <cerrno>
#include <cstddef>
#include <limits>
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
// As many descriptors as a process has on Linux at most, unless that is told
// otherwise: fs.nr_open in proc(5). Each is asked for, whether it is there or
// not, so a count beyond that is not believed.
constexpr int kMost = 1 << 20;

// What a variable says, which is then gone.
std::optional<std::string> TakeVariable(System& system, const char* name) {
  const char* const value = system.getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string taken(value);
  system.unsetenv(name);
  return taken;
}

absl::StatusOr<int> Number(const std::string& text, std::string_view variable,
                           int most) {
  int number = 0;
  if (absl::SimpleAtoi(text, &number) && number >= 0 && number <= most) {
    return number;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      std::string(variable), "=\"", text, "\": not a number from 0 to ", most));
}

absl::StatusOr<Fd> Take(System& system, int number) {
  const bool kept = system.fcntl(number, F_SETFD, FD_CLOEXEC) == 0;
  const int error = errno;
  // Ours, and closed here, unless it is nobody's.
  Fd socket(!kept && error == EBADF ? -1 : number, system);
  if (kept) return socket;
  return reactor::ErrnoToStatus(
      error, absl::StrCat("descriptor ", number, " of LISTEN_FDS"));
}

// All of them, or none: what is behind one that cannot be taken must not be
// left to the program's children either.
absl::StatusOr<std::vector<ActivatedSocket>> TakeAll(System& system,
                                                     int how_many,
                                                     std::string_view names) {
  const std::vector<std::string> called =
      absl::StrSplit(std::string(names), ':', absl::AllowEmpty());
  std::vector<ActivatedSocket> sockets;
  absl::Status status;
  for (int i = 0; i < how_many; ++i) {
    absl::StatusOr<Fd> socket = Take(system, kFirst + i);
    status.Update(socket.status());
    if (!status.ok()) continue;
    const auto index = static_cast<std::size_t>(i);
    const bool named = index < called.size() && !called[index].empty();
    sockets.push_back({named ? called[index] : "unknown", *std::move(socket)});
  }
  if (!status.ok()) return status;
  return sockets;
}

}  // namespace

absl::StatusOr<std::vector<ActivatedSocket>> TakeActivatedSockets(
    System& system) {
  const std::optional<std::string> process = TakeVariable(system, "LISTEN_PID");
  const std::optional<std::string> count = TakeVariable(system, "LISTEN_FDS");
  const std::optional<std::string> names =
      TakeVariable(system, "LISTEN_FDNAMES");
  std::vector<ActivatedSocket> none;
  if (!process.has_value() || !count.has_value()) return none;
  const absl::StatusOr<int> whose =
      Number(*process, "LISTEN_PID", std::numeric_limits<int>::max());
  const absl::StatusOr<int> how_many = Number(*count, "LISTEN_FDS", kMost);
  absl::Status status = whose.status();
  status.Update(how_many.status());
  if (!status.ok()) return status;
  // For another process: the variables were inherited, the sockets not.
  if (*whose != system.getpid()) return none;
  return TakeAll(system, *how_many, names.value_or(""));
}

}  // namespace weft::net
