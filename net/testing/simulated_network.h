// SimulatedNetwork: hosts, links and sockets in memory, for programs that talk
// over TCP and UDP, in virtual time.
//
//     SimulatedNetwork network({.seed = 7,
//                               .links = {.latency = absl::Milliseconds(20)}});
//     weft::testing::Simulator sim({.system = &network});
//
//     sim.Spawn(network.OnHost("10.0.0.1", Serve("10.0.0.1:80")));
//     sim.Spawn(network.OnHost("10.0.0.2", Client("10.0.0.1:80")));
//     sim.RunFor(absl::Seconds(10));
//     network.Partition("10.0.0.1", "10.0.0.2");
//     sim.RunFor(absl::Hours(1));
//     network.Heal("10.0.0.1", "10.0.0.2");
//
// It is the System of a Simulator: what Serve and Client do with TcpListener,
// TcpStream and any other socket of IPv4 or IPv6 stays in memory, and they
// cannot tell. Files, pipes and Unix sockets are the kernel's. The clock jumps
// from packet to packet and from timer to timer, so an hour of a network costs
// what its packets cost. The same seeds, here and of the Simulator, give the
// same run; trace_hash says whether it was the same.
//
// Hosts
//   A host is an IP address; to name it is to make it. A task runs on the host
//   that OnHost has put it on, and whatever it spawns there does too. A task
//   that nobody has put anywhere is on a host for itself and its like,
//   192.0.2.1 (2001:db8::1 for IPv6); but a socket that it binds to an address
//   is on the host of that address. On every host 127.0.0.1 and ::1 are the
//   host itself, and what goes from a host to itself takes no time.
//
// Names
//   AddName says what a host is called, for every host alike: connecting to
//   "db:5432" needs no change either. "localhost" is one; others do not exist
//   (NOT_FOUND), and the real network is not asked. Services ("http") are those
//   of /etc/services.
//
// What happens to a connection
//   nobody listens         refused (ECONNREFUSED), after there and back
//   the backlog is full    no answer; asked again after 1, 2, 4 ... seconds
//   a partition            (of one way is enough, since nothing is confirmed)
//                          a connect gets no answer, and ends after 127 seconds
//                          (ETIMEDOUT) if its own timeout is no shorter; what
//                          an established connection sends is kept and arrives
//                          after Heal, unless that takes more than 15 minutes
//                          (ETIMEDOUT, for the one whose data it is)
//   ResetConnections       both ends are lost at once (ECONNRESET)
//   Crash                  the host's own sockets are dead; peers are reset,
//                          after one latency, or if a partition hides that,
//                          when they send something after it is healed
//
// What happens to a datagram
//   It is late, overtaken, doubled or lost as the link says; lost in a
//   partition, and where the receiver's buffer is full. Nobody at the port: a
//   connected sender is told (ECONNREFUSED).
//
// Buffers (SO_SNDBUF, SO_RCVBUF; 256 KiB each) are real: a writer waits for a
// reader who does not read. SO_REUSEADDR, SO_REUSEPORT and an SO_LINGER of zero
// mean what they mean on Linux. Any other option is remembered and has no
// effect: no close waits here.
//
// Not simulated: TIME_WAIT, congestion, Nagle's waiting, urgent data,
// multicast, ancillary data, dual-stack sockets, splicing.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_SIMULATED_NETWORK_H_
#define WEFT_NET_TESTING_SIMULATED_NETWORK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "weft/net/testing/fabric.h"
#include "weft/net/testing/hosts.h"
#include "weft/net/testing/link.h"
#include "weft/net/testing/names.h"
#include "weft/net/testing/simulated_socket.h"
#include "weft/net/testing/trace.h"
#include "weft/reactor/instant.h"
#include "weft/runtime/task.h"
#include "weft/runtime/task_local.h"
#include "weft/runtime/testing/simulated_system.h"

namespace weft::net::testing {

struct NetworkOptions {
  // Of jitter, loss, reordering and doubling.
  std::uint64_t seed = 0;
  // Of every link that SetLink does not name.
  LinkOptions links = {};
  // How long the system takes to look a name up. It does so in a call that
  // blocks, and there is one thread: nothing else happens meanwhile, and what
  // would have happens late, then.
  absl::Duration lookup_time = absl::ZeroDuration();
  // Gets a line for each thing that happens, as trace.h shows; empty: nothing.
  // It must not call the network.
  Trace::Log log = {};
};

// A host is named by its address without a port: "10.0.0.1", "2001:db8::7". One
// that is none, or that every host has, is a contract failure.
//
// Threads: the simulation's, also the calls of System.
// Borrows: nothing. It outlives its Simulator, and so every socket.
class SimulatedNetwork : public weft::testing::SimulatedSystem {
 public:
  explicit SimulatedNetwork(NetworkOptions options = {});
  ~SimulatedNetwork() override;

  // Runs `task`, and whatever it spawns, on a host.
  //
  // Suspends: until the task has completed.
  // Cancel:   passed on to the task.
  template <typename T>
  Task<T> OnHost(std::string_view host, Task<T> task) {
    return RunOn(place_, IdOf(host), std::move(task));
  }

  // The host is called so from now on. A name of several hosts has them in the
  // order in which they were added. The second undoes all of the first.
  void AddName(std::string_view name, std::string_view host);
  void RemoveName(std::string_view name);

  // How the links are from now on; what is under way is not changed. The
  // second is for one pair of hosts, in both directions, and counts more.
  void SetLinks(const LinkOptions& options);
  void SetLink(std::string_view one, std::string_view other,
               const LinkOptions& options);

  // Nothing gets from one to the other, or back, until Heal; with the second,
  // what goes back arrives. Idempotent, all.
  void Partition(std::string_view one, std::string_view other);
  void PartitionOneWay(std::string_view from, std::string_view to);
  void Heal(std::string_view one, std::string_view other);

  // Every connection between the two is lost, at both ends and at once.
  void ResetConnections(std::string_view one, std::string_view other);

  // The host has failed, and is there again: all its sockets are dead, its
  // ports are free. Tasks that ran there are not cancelled; their calls fail.
  void Crash(std::string_view host);

  // Of all that has happened to packets and sockets so far.
  std::uint64_t trace_hash() const noexcept {
    return fabric_.wire.trace().hash();
  }

  // Sockets that are open.
  std::size_t open_sockets() const noexcept { return sockets_.size(); }

  // --- For the Simulator ----------------------------------------------------

  reactor::Instant NextEvent() const override;
  bool RunEvents() override;

  // --- For the sockets of the simulation ------------------------------------

  bool watch(int fd, reactor::Source& source) override;
  int close(int fd) override;
  ssize_t read(int fd, void* buffer, std::size_t size) override;
  ssize_t write(int fd, const void* buffer, std::size_t size) override;
  ssize_t readv(int fd, const iovec* parts, int count) override;
  ssize_t writev(int fd, const iovec* parts, int count) override;
  int fcntl(int fd, int command, int argument) override;
  int ioctl(int fd, unsigned long request, void* argument) override;
  int socket(int domain, int type, int protocol) override;
  int bind(int fd, const sockaddr* address, socklen_t size) override;
  int listen(int fd, int backlog) override;
  int accept(int fd, sockaddr* address, socklen_t* size) override;
  int connect(int fd, const sockaddr* address, socklen_t size) override;
  int getsockopt(int fd, int level, int name, void* value,
                 socklen_t* size) override;
  int setsockopt(int fd, int level, int name, const void* value,
                 socklen_t size) override;
  int getsockname(int fd, sockaddr* address, socklen_t* size) override;
  int getpeername(int fd, sockaddr* address, socklen_t* size) override;
  int shutdown(int fd, int how) override;
  ssize_t recv(int fd, void* buffer, std::size_t size, int flags) override;
  ssize_t send(int fd, const void* buffer, std::size_t size,
               int flags) override;
  ssize_t recvmsg(int fd, msghdr* message, int flags) override;
  ssize_t sendmsg(int fd, const msghdr* message, int flags) override;
  int recvmmsg(int fd, reactor::CountedMessage* messages, unsigned int count,
               int flags) override;
  int sendmmsg(int fd, reactor::CountedMessage* messages, unsigned int count,
               int flags) override;
  ssize_t sendfile(int to, int from, off_t offset, std::size_t size) override;
  ssize_t splice(int from, int to, std::size_t size) override;
  int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                  addrinfo** out) override;
  void freeaddrinfo(addrinfo* list) override;

 private:
  using Socket = std::shared_ptr<SimulatedSocket>;

  template <typename T>
  static Task<T> RunOn(const TaskLocal<HostId>& place, HostId host,
                       Task<T> task) {
    co_return co_await place.With(host, std::move(task));
  }

  static Address AddressOf(std::string_view host);
  HostId IdOf(std::string_view host);
  void MindCuts();
  int PortOf(const char* service, const addrinfo* hints, std::uint16_t& port);

  // Null: the descriptor is the kernel's.
  Socket Find(int fd) const;
  int Install(Socket socket);
  // Ends every call: what takes no time has happened before it returns.
  template <typename Result>
  Result Settle(Result result);

  Fabric fabric_;
  Names names_;
  const absl::Duration lookup_time_;
  // Numbers that no kernel gives, and none twice.
  std::map<int, Socket> sockets_;
  int next_descriptor_;
  TaskLocal<HostId> place_;
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_SIMULATED_NETWORK_H_
