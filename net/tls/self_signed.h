// MakeSelfSigned: an identity that nobody vouches for, made on the spot. For
// examples, and for servers that are being written.
//
// Clients trust it when they are given it: its certificate is its own root.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_SELF_SIGNED_H_
#define WEFT_NET_TLS_SELF_SIGNED_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "weft/net/tls/pem.h"

namespace weft::net::tls {

// A new P-256 key, and a certificate of it that is valid for a month from now,
// for `names`: "localhost", "127.0.0.1".
//
// Errors: INVALID_ARGUMENT for no name, or one that cannot be a server's.
// Cost:   a tenth of a millisecond.
absl::StatusOr<TlsIdentity> MakeSelfSigned(
    const std::vector<std::string>& names);

}  // namespace weft::net::tls

#endif  // WEFT_NET_TLS_SELF_SIGNED_H_
