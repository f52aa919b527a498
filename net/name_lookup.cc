// getaddrinfo, its list and its errors.
//
// SPDX-License-Identifier: MIT

#include "weft/net/name_lookup.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "weft/net/host_port.h"
#include "weft/net/numeric_host.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/string_view.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/cancellation.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::net {
namespace {

using ::weft::reactor::System;
using ::weft::reactor::ToAbseil;

std::string NameOf(const Question& question) {
  const std::string host = absl::CHexEscape(question.host);
  if (question.service.empty()) return absl::StrCat("resolve(\"", host, "\")");
  return absl::StrCat("resolve(\"", host, "\", \"",
                      absl::CHexEscape(question.service), "\")");
}

// EAI_ADDRFAMILY and EAI_NODATA are older than EAI_NONAME, and say that there
// is such a host, but without an address. XNU says EAI_NONAME for a service
// that does not exist, too, where glibc has EAI_SERVICE.
absl::StatusCode CodeOf(int answer) {
  switch (answer) {
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
    case EAI_SERVICE:
      return absl::StatusCode::kNotFound;
    case EAI_AGAIN:
      return absl::StatusCode::kUnavailable;
    case EAI_MEMORY:
      return absl::StatusCode::kResourceExhausted;
    default:  // EAI_FAIL among them: a server refused, and did not say why.
      return absl::StatusCode::kUnknown;
  }
}

absl::Status ErrorOf(int answer, int error, const Question& question) {
  if (answer == EAI_SYSTEM) {
    return reactor::ErrnoToStatus(error, NameOf(question));
  }
  return absl::Status(CodeOf(answer), absl::StrCat(NameOf(question), ": ",
                                                   gai_strerror(answer)));
}

// Nothing for an address that is neither IPv4 nor IPv6.
std::optional<Address> AddressOf(const addrinfo& entry) {
  Address::SystemForm form;
  if (entry.ai_addr == nullptr || entry.ai_addrlen > form.size()) {
    return std::nullopt;
  }
  std::memcpy(form.get(), entry.ai_addr, entry.ai_addrlen);
  *form.size_to_fill() = entry.ai_addrlen;
  const absl::StatusOr<Address> address = Address::FromSystem(form);
  if (!address.ok()) return std::nullopt;
  return *address;
}

// In the list's order, and each once: /etc/hosts may name one twice.
Addresses AddressesOf(const addrinfo* list, const Question& question) {
  std::vector<Address> addresses;
  for (; list != nullptr; list = list->ai_next) {
    const std::optional<Address> address = AddressOf(*list);
    if (!address.has_value()) continue;
    const auto end = addresses.end();
    if (std::find(addresses.begin(), end, *address) != end) continue;
    addresses.push_back(*address);
  }
  if (!addresses.empty()) return addresses;
  return absl::NotFoundError(
      absl::StrCat(NameOf(question), ": no IPv4 and no IPv6 address"));
}

// Rejected: AI_ADDRCONFIG, which leaves out the families that this machine has
// no address of. It does not count the loopback's (getaddrinfo(3)), so that a
// machine without a network would not find itself; and it decides for as long
// as the answer is kept. To connect in vain costs nothing: a family that cannot
// be routed fails at once, and the next address is tried (happy_eyeballs.h).
Addresses AskAndWait(System& system, const Question& question) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  // Else all come once for each kind.
  hints.ai_socktype =
      question.transport == Transport::kUdp ? SOCK_DGRAM : SOCK_STREAM;
  addrinfo* list = nullptr;
  const int answer = system.getaddrinfo(
      question.host.c_str(),
      question.service.empty() ? nullptr : question.service.c_str(), &hints,
      &list);
  const int error = errno;
  if (answer != 0) return ErrorOf(answer, error, question);
  auto give_back = [&system](addrinfo* all) { system.freeaddrinfo(all); };
  const std::unique_ptr<addrinfo, decltype(give_back)> owned(list, give_back);
  return AddressesOf(owned.get(), question);
}

absl::Status CheckText(std::string_view what, std::string_view text,
                       std::size_t longest) {
  const bool cut = text.size() > longest;
  // The system would read only what comes before a zero byte.
  if (!cut && text.find('\0') == std::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      ToAbseil(what), " \"", absl::CHexEscape(ToAbseil(text.substr(0, 80))),
      cut ? absl::StrCat("...\": it is longer than ", longest, " bytes")
          : absl::StrCat("\": it cannot hold a zero byte")));
}

// But for the name of an interface, where there is one.
std::string InSmallLetters(std::string_view host) {
  const std::size_t size = std::min(host.find('%'), host.size());
  return absl::StrCat(absl::AsciiStrToLower(ToAbseil(host.substr(0, size))),
                      ToAbseil(host.substr(size)));
}

Task<Addresses> LookUp(absl::StatusOr<Question> asked,
                       std::optional<std::uint16_t> port) {
  Question question = co_await OrReturn(std::move(asked));
  co_await OrReturn(CheckCancelled());
  std::optional<Addresses> known =
      AnswerAtOnce(CurrentReactor().system(), question);
  if (known.has_value()) co_return AtPort(*std::move(known), port);
  Addresses answer = co_await AskSystem(std::move(question));
  co_return AtPort(std::move(answer), port);
}

}  // namespace

// Not coroutines themselves: what they borrow need not outlive the call.
Task<Addresses> LookUpHost(std::string_view host, std::uint16_t port) {
  return LookUp(MakeQuestion(host, ""), port);
}

Task<Addresses> LookUpHost(std::string_view host, std::string_view service,
                           Transport transport) {
  const std::optional<std::uint16_t> port = ParsePortNumber(service);
  return LookUp(MakeQuestion(host, port.has_value() ? "" : service, transport),
                port);
}

absl::StatusOr<Question> MakeQuestion(std::string_view host,
                                      std::string_view service,
                                      Transport transport) {
  // A name has 253 bytes at most (RFC 1035, 2.3.4), and may end with a dot; an
  // address with a scope is shorter.
  absl::Status status = CheckText("host", host, 254);
  status.Update(CheckText("service", service, 254));
  if (host.empty()) {
    status.Update(absl::InvalidArgumentError(
        "host \"\": it is empty; this machine is \"localhost\""));
  }
  if (!status.ok()) return status;
  return Question{.host = InSmallLetters(host),
                  .service = std::string(service),
                  .transport = service.empty() ? Transport::kTcp : transport};
}

// A service is a matter of the system's: it reads a file.
std::optional<Addresses> AnswerAtOnce(System& system,
                                      const Question& question) {
  if (!question.service.empty()) return std::nullopt;
  std::optional<absl::StatusOr<Address>> numeric =
      ParseNumericHost(system, question.host);
  if (!numeric.has_value()) return std::nullopt;
  if (!numeric->ok()) return std::move(*numeric).status();
  return std::vector<Address>{**numeric};
}

Task<Addresses> AskSystem(Question question) {
  System& system = CurrentReactor().system();
  auto ask = [&] { return AskAndWait(system, question); };
  co_return co_await Blocking(ask);
}

Addresses AtPort(Addresses addresses, std::optional<std::uint16_t> port) {
  if (!addresses.ok() || !port.has_value()) return addresses;
  for (Address& address : *addresses) address = address.WithPort(*port);
  return addresses;
}

}  // namespace weft::net
