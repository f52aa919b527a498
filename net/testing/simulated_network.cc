// What a test does to a simulated network.
//
// SPDX-License-Identifier: MIT

#include "weft/net/testing/simulated_network.h"

#include <cerrno>
#include <string>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/str_cat.h"
#include "weft/net/testing/simulated_stream.h"
#include "weft/reactor/string_view.h"

namespace weft::net::testing {
namespace {

// Far above what a kernel gives: Linux ends at fs.nr_open, a million as a rule.
constexpr int kFirstDescriptor = 1 << 30;

std::vector<std::shared_ptr<StreamSocket>> AllOf(const Fabric& fabric) {
  std::vector<std::shared_ptr<StreamSocket>> all;
  all.reserve(fabric.connections.size());
  for (const auto& [number, socket] : fabric.connections) all.push_back(socket);
  return all;
}

}  // namespace

SimulatedNetwork::SimulatedNetwork(NetworkOptions options)
    : fabric_(*this, options.links, options.seed, std::move(options.log)),
      lookup_time_(options.lookup_time),
      next_descriptor_(kFirstDescriptor) {}

SimulatedNetwork::~SimulatedNetwork() = default;

Address SimulatedNetwork::AddressOf(std::string_view host) {
  const bool ipv6 = host.find(':') != std::string_view::npos;
  const std::string text =
      ipv6 ? absl::StrCat("[", reactor::ToAbseil(host), "]:0")
           : absl::StrCat(reactor::ToAbseil(host), ":0");
  const absl::StatusOr<Address> address = Address::Parse(text);
  if (!address.ok()) {
    ABSL_RAW_LOG(FATAL,
                 "a simulated host is named by its IP address, without a port, "
                 "like \"10.0.0.1\": %s",
                 std::string(address.status().message()).c_str());
  }
  return *address;
}

HostId SimulatedNetwork::IdOf(std::string_view host) {
  return fabric_.hosts.At(AddressOf(host));
}

void SimulatedNetwork::AddName(std::string_view name, std::string_view host) {
  names_.Add(name, AddressOf(host));
}

void SimulatedNetwork::RemoveName(std::string_view name) {
  names_.Remove(name);
}

// --- Links ------------------------------------------------------------------

void SimulatedNetwork::SetLinks(const LinkOptions& options) {
  fabric_.wire.SetLinks(options);
}

void SimulatedNetwork::SetLink(std::string_view one, std::string_view other,
                               const LinkOptions& options) {
  fabric_.wire.SetLink(IdOf(one), IdOf(other), options);
}

void SimulatedNetwork::Partition(std::string_view one, std::string_view other) {
  const HostId first = IdOf(one);
  const HostId second = IdOf(other);
  ABSL_RAW_CHECK(first != second,
                 "a host cannot be cut off from itself: name two hosts");
  fabric_.wire.Cut(first, second);
  fabric_.wire.trace().Note(now(), "partition", AddressOf(one),
                            AddressOf(other));
  MindCuts();
}

void SimulatedNetwork::PartitionOneWay(std::string_view from,
                                       std::string_view to) {
  const HostId first = IdOf(from);
  const HostId second = IdOf(to);
  ABSL_RAW_CHECK(first != second,
                 "a host cannot be cut off from itself: name two hosts");
  fabric_.wire.CutOneWay(first, second);
  fabric_.wire.trace().Note(now(), "partition one way", AddressOf(from),
                            AddressOf(to));
  MindCuts();
}

void SimulatedNetwork::Heal(std::string_view one, std::string_view other) {
  fabric_.wire.Heal(IdOf(one), IdOf(other));
  fabric_.wire.trace().Note(now(), "heal", AddressOf(one), AddressOf(other));
  MindCuts();
}

void SimulatedNetwork::MindCuts() {
  for (const auto& connection : AllOf(fabric_)) connection->MindCuts();
}

// --- Disasters --------------------------------------------------------------

void SimulatedNetwork::ResetConnections(std::string_view one,
                                        std::string_view other) {
  const HostId first = IdOf(one);
  const HostId second = IdOf(other);
  fabric_.wire.trace().Note(now(), "reset connections", AddressOf(one),
                            AddressOf(other));
  for (const auto& connection : AllOf(fabric_)) {
    if (connection->Joins(first, second)) connection->Fail(ECONNRESET);
  }
}

void SimulatedNetwork::Crash(std::string_view host) {
  const HostId id = IdOf(host);
  fabric_.wire.trace().Note(now(), "crash", AddressOf(host), AddressOf(host));
  // First the connections, of which some have no descriptor any more, or none
  // yet. A crash changes no descriptor, so the map stays as it is.
  for (const auto& connection : AllOf(fabric_)) {
    if (connection->host() == id) connection->Crash();
  }
  for (const auto& [fd, socket] : sockets_) {
    if (socket->host() == id) socket->Crash();
  }
}

// --- Time -------------------------------------------------------------------

reactor::Instant SimulatedNetwork::NextEvent() const {
  return fabric_.wire.agenda().Next();
}

bool SimulatedNetwork::RunEvents() {
  bool any = false;
  while (fabric_.wire.agenda().RunOne(now())) any = true;
  return any;
}

}  // namespace weft::net::testing
