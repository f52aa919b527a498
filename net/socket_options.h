// The options of sockets, each by its name and in units that say what they are:
//
//     co_await OrReturn(stream.SetKeepAlive(KeepAlive{.idle = Seconds(30)}));
//
// Streams and listeners have them as functions of their own; these work on a
// descriptor, and are what those are made of.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_SOCKET_OPTIONS_H_
#define WEFT_NET_SOCKET_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weft/reactor/source.h"
#include "weft/reactor/system.h"

namespace weft::net {

// When a connection on which nothing comes is looked after. In whole seconds.
struct KeepAlive {
  absl::Duration idle = absl::Hours(2);         // Before the first question.
  absl::Duration interval = absl::Seconds(75);  // Between two.
  int probes = 9;  // So many without an answer: it is lost.

  friend bool operator==(const KeepAlive&, const KeepAlive&) = default;
};

// An option that is a number or a switch, and its name for errors.
struct NumberOption {
  int level;
  int name;
  std::string_view text;
};

extern const NumberOption kNoDelay;
extern const NumberOption kReuseAddress;
extern const NumberOption kReusePort;
extern const NumberOption kIpv6Only;
extern const NumberOption kSendBufferSize;
extern const NumberOption kReceiveBufferSize;
extern const NumberOption kAcceptsConnections;  // To be asked only.
extern const NumberOption kTypeOfService;
extern const NumberOption kTrafficClass;

absl::Status SetOption(reactor::System& system, int fd,
                       const NumberOption& option, int value);
absl::StatusOr<int> GetOption(reactor::System& system, int fd,
                              const NumberOption& option);

// As above, where there is a value. Does nothing once `status` is an error.
void SetIfGiven(reactor::System& system, int fd, const NumberOption& option,
                std::optional<int> value, absl::Status& status);

// What an option is called that the two families have under two names.
const NumberOption& TypeOfServiceOption(bool ipv6) noexcept;
const NumberOption& InterfaceOption(bool ipv6) noexcept;

// Restricts it to the interface of that number, where one is given. Whether
// there is one, the system asks when packets go, if at all; but 0 would be no
// restriction, and is refused: INVALID_ARGUMENT. Does nothing once `status` is
// an error.
void SetInterfaceIfGiven(reactor::System& system, int fd, bool ipv6,
                         std::optional<std::uint32_t> interface,
                         absl::Status& status);

absl::Status SetKeepAliveOf(reactor::System& system, int fd,
                            const std::optional<KeepAlive>& keep_alive);
absl::StatusOr<std::optional<KeepAlive>> KeepAliveOf(reactor::System& system,
                                                     int fd);

absl::Status SetLingerOf(reactor::System& system, int fd,
                         std::optional<absl::Duration> linger);
absl::StatusOr<std::optional<absl::Duration>> LingerOf(reactor::System& system,
                                                       int fd);

// Runs `call` with the descriptor and its System while the number is ours.
//
// Errors: FAILED_PRECONDITION where the source is closed; those of `call`.
absl::Status WithDescriptor(
    reactor::Source& source,
    absl::FunctionRef<absl::Status(reactor::System&, int)> call);

// As WithDescriptor, of a `question` that has an answer.
template <typename T>
absl::StatusOr<T> AskDescriptor(reactor::Source& source,
                                absl::StatusOr<T> (*question)(reactor::System&,
                                                              int)) {
  absl::StatusOr<T> answer;
  absl::Status status =
      WithDescriptor(source, [&](reactor::System& system, int fd) {
        answer = question(system, fd);
        return answer.status();
      });
  if (!status.ok()) return status;
  return answer;
}

// The two most usual calls of that kind.
absl::Status SetOptionOf(reactor::Source& source, const NumberOption& option,
                         int value);
absl::StatusOr<int> OptionOf(reactor::Source& source,
                             const NumberOption& option);

}  // namespace weft::net

#endif  // WEFT_NET_SOCKET_OPTIONS_H_
