// StreamSocket: a TCP socket of a simulated network, which listens or is one
// end of a connection.
//
//     fresh --Listen--> listening
//       '--Connect--> connecting --answer--> connected --> over
//                     half open  --third---------^
//                     (the other end)     packet
//
// What is sent, as far as it shows (RFC 9293):
//
//     connect, answer, established    the three packets that make a connection
//     data                            no more than the receiver has room for
//     taken                           so much has come, and there is new room
//     end                             nothing more comes this way
//     reset                           the connection is no more
//
//     Send --> unsent_ --data--> [ unacknowledged_ ] --> received_ --> Receive
//              '--------- send_buffer -----------'      '-- receive_buffer --'
//                         <------------------- taken ----'
//
// Not simulated, because no program sees it: windows that shrink, congestion,
// segments that are lost and sent again (a cut keeps them, see wire.h), urgent
// data, and the minutes in which a port is not given away again.
//
// Invariants
//   1. unacknowledged_ + unsent_ never exceed send_buffer, while that stays as
//      it is.
//   2. credit_ is what the peer has room for and has not been sent: credit_ +
//      what is under way + its received_ + its consumed_ = its receive_buffer.
//   3. A socket is in fabric.connections from its connect, or from the arrival
//      of its client's, until its program has closed it and the peer has had
//      all of it, or is known to be gone.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_SIMULATED_STREAM_H_
#define WEFT_NET_TESTING_SIMULATED_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "weft/net/testing/accept_queue.h"
#include "weft/net/testing/agenda.h"
#include "weft/net/testing/byte_queue.h"
#include "weft/net/testing/simulated_socket.h"
#include "weft/net/testing/wire.h"

namespace weft::net::testing {

// Threads: the simulation's.
class StreamSocket final : public SimulatedSocket {
 public:
  StreamSocket(Fabric& fabric, bool ipv6, std::optional<HostId> host)
      : SimulatedSocket(fabric, Transport::kStream, ipv6, host) {}

  int Connect(const Address& peer) override;
  int Listen(int backlog) override;
  std::shared_ptr<SimulatedSocket> Accept(Address& peer, int& error) override;
  ssize_t Send(const msghdr& message, int flags) override;
  ssize_t Receive(msghdr& message, int flags) override;
  int Shutdown(int how) override;
  std::size_t Waiting() const override { return received_.size(); }
  void Close() override;

  void Crash() override;
  bool listens() const override { return stage_ == Stage::kListening; }
  // The ends of a connection know each other: what comes to a port is only ever
  // a client who asks for a new one.
  bool Wants(const Address&) const override { return listens(); }
  // Nothing unless it is connected.
  std::optional<Address> peer() const override;

  // Whether it is an end of a connection of these two.
  bool Joins(HostId one, HostId other) const;
  // The connection is no more: `error` says why.
  void Fail(int error);
  // A link has been cut or healed, or something is sent on one that is: TCP
  // gives up when what it sent is not acknowledged for long.
  void MindCuts();

 private:
  enum class Stage {
    kFresh,
    kListening,
    kConnecting,
    kHalfOpen,
    kConnected,
    kOver,
  };
  using Self = std::shared_ptr<StreamSocket>;
  using Action = absl::AnyInvocable<void(StreamSocket&)>;

  Readiness CurrentReadiness() const override;
  void OptionChanged() override;
  static Self Of(const std::weak_ptr<SimulatedSocket>& weak) {
    return std::static_pointer_cast<StreamSocket>(weak.lock());
  }
  Self self() { return Of(weak_from_this()); }

  // Making a connection: simulated_handshake.cc.
  void Open(const Address& local, const Address& peer, HostId peer_host);
  void SendConnect(int attempt);
  static void OnConnect(Fabric& fabric, const Self& client);
  static Self AddHalfOpen(Fabric& fabric, const Self& client,
                          StreamSocket& listener);
  void SendAnswer();
  void OnAnswer();
  void OnEstablished();
  void OnNoAnswer();
  void OnNoThird();
  void CloseQueue();

  // Packets to the peer, and what a host answers that knows of no such peer:
  // simulated_packets.cc.
  enum class IfMissed { kNothing, kReset, kTakenIfBothEnded };
  void SendToPeer(std::string_view what, std::size_t size, IfMissed if_missed,
                  Action action);
  void Missed(IfMissed if_missed);
  void SendReset();
  void SendTaken(std::size_t acknowledged, std::int64_t credit, bool end);
  void SendWhatFits();

  // Packets from the peer, likewise.
  void OnData(std::vector<std::byte> piece);
  void OnTaken(std::size_t acknowledged, std::int64_t credit, bool end);
  void OnEnd();
  void OnReset();

  std::size_t room() const;
  void Consumed(std::size_t count);
  void Reset();
  void BecomeOver();
  void ForgetIfDone();
  void OnSilence();
  void SetTimer(absl::Duration delay, void (StreamSocket::*then)());
  void StopTimer();

  Stage stage_ = Stage::kFresh;
  bool closed_ = false;                   // By its program.
  std::unique_ptr<AcceptQueue> queue_;    // While it listens.
  std::weak_ptr<StreamSocket> listener_;  // While it is half open.

  std::uint64_t number_ = 0;  // In fabric.connections.
  Address peer_address_;
  std::weak_ptr<StreamSocket> peer_;
  std::shared_ptr<Lane> lane_;  // To the peer.
  std::size_t segment_ = 0;
  // One is enough: a connection that is being made has sent nothing yet.
  std::optional<Agenda::Entry> timer_;
  int attempt_ = 0;  // Of connecting.

  ByteQueue unsent_;
  std::size_t unacknowledged_ = 0;
  std::int64_t credit_ = 0;
  bool end_wanted_ = false;  // Shut down for writing.
  bool end_sent_ = false;
  bool end_acknowledged_ = false;

  ByteQueue received_;
  std::size_t advertised_ = 0;  // The receive buffer that the peer knows of.
  std::int64_t consumed_ = 0;   // Taken out, and the peer does not know.
  bool peer_ended_ = false;
  bool reading_shut_ = false;
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_SIMULATED_STREAM_H_
