// The end of a runtime under ten thousand tasks in each kind of wait that a
// network program has: all of them end, and no descriptor is left. (Those of
// other programs are in runtime_shutdown_test.cc, all kinds at a time.)
//
// A connection that nobody has accepted is one descriptor and not two, so ten
// thousand streams need not be twenty thousand.
//
// SPDX-License-Identifier: MIT

#include <netdb.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/exit_status.h"
#include "weft/net/pipe.h"
#include "weft/net/process.h"
#include "weft/net/resolver.h"
#include "weft/net/signal_set.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/udp_socket.h"
#include "weft/net/unix_datagram.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/sync/channel.h"
#include "weft/sync/mutex.h"
#include "weft/tests/net/silent_port.h"
#include "weft/tests/support/descriptor_limit.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/soak.h"

namespace weft::net {
namespace {

using ::weft::testing::DescriptorLimit;
using ::weft::testing::OpenDescriptors;

// A thread of the pool is kept from its answer until the runtime ends. What has
// begun there is awaited, so somebody has to let it go then.
class StuckNames : public reactor::System {
 public:
  int getaddrinfo(const char*, const char*, const addrinfo*,
                  addrinfo**) override {
    stuck_.wait(true);
    return EAI_NONAME;
  }

  void WaitHere() { stuck_.wait(true); }
  void LetGo() {
    stuck_ = false;
    stuck_.notify_all();
  }

 private:
  std::atomic<bool> stuck_ = true;
};

// What is waited for.
struct Scene {
  StuckNames names;
  std::atomic<int> waiting = 0;
  const SilentPort silent;
  std::vector<TcpListener> deaf;  // Room for all, and nobody is accepted.
  const std::vector<std::byte> more_than_fits = std::vector<std::byte>(200'000);
  std::optional<UnixDatagram> unread;
  std::optional<Process> process;
  Resolver resolver;
  sync::Mutex mutex;
  sync::Channel<int> empty{1};
};

Task<absl::Status> Prepare(Scene& scene) {
  constexpr int kListeners = 4;  // With room for 4096 connections each.
  ListenOptions small;
  small.receive_buffer_size = 4096;
  for (int i = 0; i < kListeners; ++i) {
    scene.deaf.push_back(
        co_await OrReturn(TcpListener::Bind("127.0.0.1:0", small)));
  }
  scene.unread = co_await OrReturn(
      UnixDatagram::Bind(absl::StrCat("@weft-unread-", ::getpid())));
  ProcessOptions sleep("sleep", {"1000"});
  scene.process = co_await OrReturn(Process::Spawn(std::move(sleep)));
  co_return absl::OkStatus();
}

// The process is killed while there is somebody to reap it.
Task<absl::Status> LetGoAtTheEnd(Scene& scene) {
  absl::Status ended = co_await SleepFor(absl::InfiniteDuration());
  scene.names.LetGo();
  scene.process.reset();
  co_return ended;
}

// --- The waits --------------------------------------------------------------

// Each on an address of its own: among ten thousand that are taken on the same
// one, the system looks long for a port that is free.
Task<absl::Status> Accept(Scene& scene, int number) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind(
      absl::StrCat("127.0.", number / 250, ".", number % 250 + 1, ":0")));
  ++scene.waiting;
  const auto accepted = co_await listener.Accept();
  co_return accepted.status();
}

Task<absl::Status> Connect(Scene& scene, int) {
  ++scene.waiting;
  const auto stream = co_await TcpStream::Connect(scene.silent.address());
  co_return stream.status();
}

Task<absl::StatusOr<TcpStream>> ConnectToTheDeaf(Scene& scene, int number) {
  const TcpListener& listener = scene.deaf[number % scene.deaf.size()];
  co_return co_await TcpStream::Connect(listener.local_address());
}

Task<absl::Status> Read(Scene& scene, int number) {
  TcpStream stream = co_await OrReturn(ConnectToTheDeaf(scene, number));
  ++scene.waiting;
  std::array<std::byte, 64> buffer;
  const auto got = co_await stream.Read(buffer);
  co_return got.status();
}

Task<absl::Status> ReadWithATimeout(Scene& scene, int number) {
  TcpStream stream = co_await OrReturn(ConnectToTheDeaf(scene, number));
  stream.SetReadTimeout(absl::Hours(1));
  ++scene.waiting;
  const auto got = co_await stream.ReadSome();
  co_return got.status();
}

Task<absl::Status> Write(Scene& scene, int number) {
  TcpStream stream = co_await OrReturn(ConnectToTheDeaf(scene, number));
  co_await OrReturn(stream.SetSendBufferSize(4096));
  ++scene.waiting;
  co_return co_await stream.WriteAll(scene.more_than_fits);
}

Task<absl::Status> ReceiveUdp(Scene& scene, int) {
  UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
  std::array<std::byte, 64> buffer;
  ++scene.waiting;
  const auto got = co_await socket.ReceiveFrom(buffer);
  co_return got.status();
}

Task<absl::Status> ReadUnix(Scene& scene, int) {
  auto pair = co_await OrReturn(UnixStream::Pair());
  std::array<std::byte, 64> buffer;
  ++scene.waiting;
  const auto got = co_await pair.first.Read(buffer);
  co_return got.status();
}

Task<absl::Status> SendUnixDatagrams(Scene& scene, int) {
  UnixDatagram socket = co_await OrReturn(UnixDatagram::Unbound());
  co_await OrReturn(socket.Connect(scene.unread->local_address()));
  const std::array<std::byte, 8> datagram{};
  ++scene.waiting;
  for (;;) co_await OrReturn(socket.Send(datagram));
}

Task<absl::Status> ReadPipe(Scene& scene, int) {
  Pipe pipe = co_await OrReturn(MakePipe());
  std::array<std::byte, 64> buffer;
  ++scene.waiting;
  const auto got = co_await pipe.reader.Read(buffer);
  co_return got.status();
}

Task<absl::Status> WaitForProcess(Scene& scene, int) {
  Task<absl::StatusOr<ExitStatus>> wait = scene.process->Wait();
  ++scene.waiting;
  const absl::StatusOr<ExitStatus> ended = co_await std::move(wait);
  co_return ended.status();
}

Task<absl::Status> WaitForSignal(Scene& scene, int) {
  const std::vector<int> announced = {SIGUSR2};
  SignalSet signals = co_await OrReturn(SignalSet::Create(announced));
  ++scene.waiting;
  const absl::StatusOr<int> signal = co_await signals.Next();
  co_return signal.status();
}

Task<absl::Status> Resolve(Scene& scene, int number) {
  const std::string host = absl::StrCat("host-", number, ".example");
  ++scene.waiting;
  const auto addresses = co_await scene.resolver.Resolve(host, 80);
  co_return addresses.status();
}

Task<absl::Status> Block(Scene& scene, int) {
  auto wait = [&scene] { scene.names.WaitHere(); };
  ++scene.waiting;
  co_return co_await Blocking(wait);
}

Task<absl::Status> Sleep(Scene& scene, int number) {
  ++scene.waiting;
  co_return co_await SleepFor(absl::Hours(1) + absl::Seconds(number));
}

Task<absl::Status> Lock(Scene& scene, int) {
  ++scene.waiting;
  const sync::Mutex::Guard guard = co_await OrReturn(scene.mutex.Lock());
  co_return co_await SleepFor(absl::InfiniteDuration());
}

Task<absl::Status> Receive(Scene& scene, int) {
  ++scene.waiting;
  const absl::StatusOr<int> received = co_await scene.empty.Receive();
  co_return received.status();
}

struct Kind {
  const char* name;
  Task<absl::Status> (*wait)(Scene& scene, int number);
  int descriptors = 0;
  int most = 10'000;
};

constexpr std::array kKinds = {
    Kind{"Accept", Accept, 1},
    Kind{"Connect", Connect, 1},
    Kind{"Read", Read, 1},
    Kind{"ReadWithATimeout", ReadWithATimeout, 1},
    Kind{"Write", Write, 1},
    Kind{"ReceiveUdp", ReceiveUdp, 1},
    Kind{"ReadUnix", ReadUnix, 2},
    Kind{"SendUnixDatagrams", SendUnixDatagrams, 1},
    Kind{"ReadPipe", ReadPipe, 2},
    Kind{"WaitForProcess", WaitForProcess},
    Kind{"WaitForSignal", WaitForSignal, 0, 1},
    Kind{"Resolve", Resolve},
    Kind{"Block", Block},
    Kind{"Sleep", Sleep},
    Kind{"Lock", Lock},
    Kind{"Receive", Receive},
};

// --- The end ----------------------------------------------------------------

using Parameter = std::tuple<Kind, Flavor>;

std::string NameOf(const ::testing::TestParamInfo<Parameter>& info) {
  const auto& [kind, flavor] = info.param;
  return absl::StrCat(kind.name, flavor == Flavor::kPerCore ? "PerCore" : "");
}

class NetShutdownTest : public ::testing::TestWithParam<Parameter> {
 protected:
  static constexpr int kSpare = 100;  // Descriptors.

  // Fewer under sanitizers, and where the system allows no more descriptors.
  static int Tasks(const Kind& kind, const DescriptorLimit& limit) {
    const int room = (limit.get() - kSpare) / std::max(1, kind.descriptors);
    const auto wanted = static_cast<int>(
        std::min<std::int64_t>(kind.most, tests::Times(10'000)));
    return std::min(wanted, room);
  }

  static void EndUnder(const Kind& kind, Flavor flavor, int tasks) {
    Scene scene;
    RuntimeOptions options;
    options.flavor = flavor;
    options.workers = 2;
    options.signals = {SIGUSR2};
    options.system = &scene.names;
    Runtime runtime(options);
    ASSERT_EQ(runtime.BlockOn(Prepare(scene)), absl::OkStatus());
    runtime.Spawn(LetGoAtTheEnd, std::ref(scene)).Detach();
    for (int i = 0; i < tasks; ++i) {
      runtime.Spawn(kind.wait, std::ref(scene), i).Detach();
    }
    while (scene.waiting < tasks) std::this_thread::yield();
  }
};

INSTANTIATE_TEST_SUITE_P(
    Each, NetShutdownTest,
    ::testing::Combine(::testing::ValuesIn(kKinds),
                       ::testing::Values(Flavor::kWorkStealing,
                                         Flavor::kPerCore)),
    NameOf);

TEST_P(NetShutdownTest, EndsTenThousandTasksInOneKindOfWait) {
  const auto& [kind, flavor] = GetParam();
  const DescriptorLimit limit(kSpare + 2 * 10'000);
  const int before = OpenDescriptors();

  for (std::int64_t i = 0; i < tests::Times(1); ++i) {
    EndUnder(kind, flavor, Tasks(kind, limit));
  }

  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace weft::net
