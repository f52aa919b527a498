// What a stream does when the event queue will not have its descriptor: whoever
// would have waited is told, nothing stays registered or open, and the next
// wait is as good as if nothing had been. (tokio#6329 leaked the registration.)
//
// SPDX-License-Identifier: MIT

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/pipe.h"
#include "weft/net/signal_set.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/udp_socket.h"
#include "weft/net/unix_datagram.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/signal_mask.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/silent_port.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::weft::testing::OpenDescriptors;

// Refuses what the event queue is asked to watch: epoll_ctl(2) says ENOSPC at
// the user's limit of watches, and ENOMEM.
class RefusingSystem : public weft::testing::SimulatedSystem {
 public:
  int event_queue_control(absl::FunctionRef<int()> call) override {
    if (error == 0) return SimulatedSystem::event_queue_control(call);
    ++refused;
    errno = error;
    return -1;
  }

  int error = 0;
  int refused = 0;
};

// Waits twice for what never comes, and is refused the first time: OK where the
// second wait was a wait.
template <typename Operation>
Task<absl::Status> TryTwice(RefusingSystem& system, int error,
                            Operation& operation) {
  system.error = error;
  absl::Status refused = co_await WithTimeout(absl::Seconds(1), operation());
  system.error = 0;
  absl::Status waited = co_await WithTimeout(absl::Seconds(1), operation());
  if (refused.code() != absl::StatusCode::kResourceExhausted ||
      waited.code() != absl::StatusCode::kDeadlineExceeded) {
    co_return absl::InternalError(
        absl::StrCat(refused.ToString(), "; then ", waited.ToString()));
  }
  co_return absl::OkStatus();
}

template <ByteSource S>
Task<absl::Status> Read(S& stream) {
  const auto text = co_await ReadText(stream);
  co_return text.status();
}

template <typename Socket>
Task<absl::Status> Receive(Socket& socket) {
  std::array<std::byte, 10> buffer;
  const auto got = co_await socket.Receive(buffer);
  co_return got.status();
}

Task<absl::Status> FillUp(TcpStream& stream) {
  const std::vector<std::byte> bytes(1'000'000);
  for (;;) co_await OrReturn(stream.WriteAll(bytes));
}

// --- Who waits --------------------------------------------------------------

Task<absl::Status> ReadTcp(RefusingSystem& system, int error) {
  TcpPair pair = co_await OrReturn(ConnectPair());
  auto operation = [&pair] { return Read(pair.server); };
  co_return co_await TryTwice(system, error, operation);
}

Task<absl::Status> WriteTcp(RefusingSystem& system, int error) {
  TcpPair pair = co_await OrReturn(ConnectPair());
  auto operation = [&pair] { return FillUp(pair.server); };
  co_return co_await TryTwice(system, error, operation);
}

Task<absl::Status> AcceptTcp(RefusingSystem& system, int error) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  auto operation = [&listener]() -> Task<absl::Status> {
    const auto stream = co_await listener.Accept();
    co_return stream.status();
  };
  co_return co_await TryTwice(system, error, operation);
}

Task<absl::Status> ConnectTcp(RefusingSystem& system, int error) {
  const SilentPort port;
  auto operation = [&port]() -> Task<absl::Status> {
    const auto stream = co_await TcpStream::Connect(port.address());
    co_return stream.status();
  };
  co_return co_await TryTwice(system, error, operation);
}

Task<absl::Status> ReceiveUdp(RefusingSystem& system, int error) {
  UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
  auto operation = [&socket] { return Receive(socket); };
  co_return co_await TryTwice(system, error, operation);
}

Task<absl::Status> ReadUnix(RefusingSystem& system, int error) {
  auto pair = co_await OrReturn(UnixStream::Pair());
  auto operation = [&pair] { return Read(pair.first); };
  co_return co_await TryTwice(system, error, operation);
}

Task<absl::Status> ReceiveUnix(RefusingSystem& system, int error) {
  auto pair = co_await OrReturn(UnixDatagram::Pair());
  auto operation = [&pair] { return Receive(pair.first); };
  co_return co_await TryTwice(system, error, operation);
}

Task<absl::Status> ReadPipe(RefusingSystem& system, int error) {
  Pipe pipe = co_await OrReturn(MakePipe());
  auto operation = [&pipe] { return Read(pipe.reader); };
  co_return co_await TryTwice(system, error, operation);
}

Task<absl::Status> WaitForSignal(RefusingSystem& system, int error) {
  auto operation = []() -> Task<absl::Status> {
    const std::vector<int> announced = {SIGUSR1};
    SignalSet signals = co_await OrReturn(SignalSet::Create(announced));
    const absl::StatusOr<int> signal = co_await signals.Next();
    co_return signal.status();
  };
  co_return co_await TryTwice(system, error, operation);
}

struct Case {
  const char* name;
  Task<absl::Status> (*wait)(RefusingSystem&, int error);
};

class RegistrationFailureTest : public ::testing::TestWithParam<Case> {
 protected:
  static void RefuseWith(int error) {
    const int before = OpenDescriptors();
    {
      const auto announced = *reactor::BlockedSignals::Create({SIGUSR1});
      RefusingSystem system;
      weft::testing::Simulator sim({.system = &system});

      EXPECT_EQ(sim.Run(GetParam().wait(system, error)), absl::OkStatus());

      EXPECT_GT(system.refused, 0);
    }
    EXPECT_EQ(OpenDescriptors(), before);
  }
};

INSTANTIATE_TEST_SUITE_P(
    Each, RegistrationFailureTest,
    ::testing::Values(
        Case{"ReadTcp", ReadTcp}, Case{"WriteTcp", WriteTcp},
        Case{"AcceptTcp", AcceptTcp}, Case{"ConnectTcp", ConnectTcp},
        Case{"ReceiveUdp", ReceiveUdp}, Case{"ReadUnix", ReadUnix},
        Case{"ReceiveUnix", ReceiveUnix}, Case{"ReadPipe", ReadPipe},
        Case{"WaitForSignal", WaitForSignal}),
    [](const auto& info) { return info.param.name; });

TEST_P(RegistrationFailureTest, IsToldToWhoeverWouldHaveWaitedAndPasses) {
  RefuseWith(ENOSPC);
}

}  // namespace
}  // namespace weft::net
