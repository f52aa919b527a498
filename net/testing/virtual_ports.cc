// Claims, and whom they let in.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/virtual_ports.h"

#include <algorithm>
#include <utility>

#include "weft/net/testing/simulated_socket.h"
#include "weft/net/testing/trace.h"

namespace weft::net::testing {
namespace {

constexpr std::uint16_t kFirstFree = 49152;

bool Overlap(const Address& one, const Address& other) {
  if (one.is_ipv4() != other.is_ipv4()) return false;
  return one == other || IsAny(one) || IsAny(other);
}

bool Tolerate(const VirtualPorts::Claim& old,
              const VirtualPorts::Claim& claim) {
  if (!Overlap(old.address, claim.address)) return true;
  if (old.reuse_port && claim.reuse_port) return true;
  return old.reuse_address && claim.reuse_address && !old.socket->listens();
}

// 0: not for it. The more it says about what it wants, the higher.
int FitOf(const VirtualPorts::Claim& claim, const Address& to,
          const Address& from) {
  if (!Overlap(claim.address, to) || !claim.socket->Wants(from)) return 0;
  return (claim.address == to ? 2 : 1) + (claim.socket->has_peer() ? 2 : 0);
}

}  // namespace

bool VirtualPorts::Bind(const Claim& claim) {
  Claims& there = claims_[KeyOf(claim)];
  const bool allowed =
      std::all_of(there.begin(), there.end(),
                  [&claim](const Claim& old) { return Tolerate(old, claim); });
  if (allowed) there.push_back(claim);
  return allowed;
}

std::optional<std::uint16_t> VirtualPorts::Free(HostId host,
                                                Transport transport) {
  std::uint16_t& last =
      last_free_.try_emplace({host, transport}, std::uint16_t{0xFFFF})
          .first->second;
  for (int tries = kFirstFree; tries <= 0xFFFF; ++tries) {
    last = last == 0xFFFF ? kFirstFree : static_cast<std::uint16_t>(last + 1);
    const auto found = claims_.find(Key(host, transport, last));
    if (found == claims_.end() || found->second.empty()) return last;
  }
  return std::nullopt;
}

bool VirtualPorts::MayListen(const Claim& claim) const {
  const auto there = claims_.find(KeyOf(claim));
  if (there == claims_.end()) return true;
  return std::all_of(
      there->second.begin(), there->second.end(), [&claim](const Claim& other) {
        return other.socket == claim.socket || !other.socket->listens() ||
               Tolerate(other, claim);
      });
}

void VirtualPorts::Release(const Claim& claim) {
  const auto there = claims_.find(KeyOf(claim));
  if (there == claims_.end()) return;
  std::erase_if(there->second, [&claim](const Claim& other) {
    return other.socket == claim.socket;
  });
  if (there->second.empty()) claims_.erase(there);
}

SimulatedSocket* VirtualPorts::Find(HostId host, Transport transport,
                                    const Address& to,
                                    const Address& from) const {
  const auto there = claims_.find(Key(host, transport, to.port()));
  if (there == claims_.end()) return nullptr;
  int best = 1;
  for (const Claim& claim : there->second) {
    best = std::max(best, FitOf(claim, to, from));
  }
  std::vector<SimulatedSocket*> fitting;
  for (const Claim& claim : there->second) {
    if (FitOf(claim, to, from) == best) fitting.push_back(claim.socket);
  }
  if (fitting.empty()) return nullptr;
  return fitting[DigestOf(from) % fitting.size()];
}

}  // namespace weft::net::testing
