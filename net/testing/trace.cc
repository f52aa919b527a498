// The number, and the lines.
//
// The number is FNV-1a (Fowler, Noll, Vo; RFC 9923), byte by byte: no secret is
// kept with it, and it is the same on every machine.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/trace.h"

#include <netinet/in.h>

#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "weft/reactor/string_view.h"

namespace weft::net::testing {
namespace {

constexpr std::uint64_t kPrime = 0x0000'0100'0000'01B3;

void MixByte(std::uint64_t& hash, unsigned char byte) {
  hash = (hash ^ byte) * kPrime;
}

// In an order of its own, not the machine's.
void Mix(std::uint64_t& hash, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) {
    MixByte(hash, static_cast<unsigned char>(number >> shift));
  }
}

void Mix(std::uint64_t& hash, std::span<const unsigned char> bytes) {
  for (const unsigned char byte : bytes) MixByte(hash, byte);
}

std::span<const unsigned char> BytesOf(const void* start, std::size_t size) {
  return {static_cast<const unsigned char*>(start), size};
}

}  // namespace

std::uint64_t DigestOf(const Address& address) noexcept {
  std::uint64_t hash = 0xCBF2'9CE4'8422'2325;
  const Address::SystemForm form = address.ToSystem();
  if (address.is_ipv4()) {
    const auto* const ipv4 = reinterpret_cast<const sockaddr_in*>(form.get());
    Mix(hash, BytesOf(&ipv4->sin_addr, sizeof(ipv4->sin_addr)));
  } else {
    const auto* const ipv6 = reinterpret_cast<const sockaddr_in6*>(form.get());
    Mix(hash, BytesOf(&ipv6->sin6_addr, sizeof(ipv6->sin6_addr)));
  }
  Mix(hash, address.port());
  return hash;
}

void Trace::Note(reactor::Instant now, std::string_view what,
                 const Address& from, const Address& to, std::size_t size) {
  Mix(hash_, static_cast<std::uint64_t>(now.nanoseconds()));
  Mix(hash_, BytesOf(what.data(), what.size()));
  Mix(hash_, DigestOf(from));
  Mix(hash_, DigestOf(to));
  Mix(hash_, size);
  if (log_) Write(now, what, from, to, size);
}

void Trace::Write(reactor::Instant now, std::string_view what,
                  const Address& from, const Address& to, std::size_t size) {
  std::string line = absl::StrCat(
      absl::FormatDuration(absl::Nanoseconds(now.nanoseconds())), " ",
      from.ToString(), " > ", to.ToString(), " ", reactor::ToAbseil(what));
  if (size > 0) absl::StrAppend(&line, " ", size);
  log_(line);
}

}  // namespace weft::net::testing
