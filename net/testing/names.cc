// Looking a name up.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/names.h"

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "weft/reactor/string_view.h"

namespace weft::net::testing {
namespace {

using ::weft::reactor::ToAbseil;

std::string Plainly(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return absl::AsciiStrToLower(ToAbseil(name));
}

}  // namespace

void Names::Add(std::string_view name, const Address& address) {
  addresses_[Plainly(name)].push_back(address);
}

void Names::Remove(std::string_view name) { addresses_.erase(Plainly(name)); }

std::vector<Address> Names::Find(std::string_view name) const {
  const std::string plain = Plainly(name);
  const auto found = addresses_.find(plain);
  if (found != addresses_.end()) return found->second;
  if (plain == "localhost") {
    return {*Address::Parse("[::1]:0"), *Address::Parse("127.0.0.1:0")};
  }
  const bool ipv6 = plain.find(':') != std::string::npos;
  const absl::StatusOr<Address> numeric = Address::Parse(
      ipv6 ? absl::StrCat("[", plain, "]:0") : absl::StrCat(plain, ":0"));
  if (!numeric.ok()) return {};
  return {*numeric};
}

}  // namespace weft::net::testing
