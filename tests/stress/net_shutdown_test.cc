// The end of a runtime under ten thousand tasks in each kind of wait that a
// network program has: all of them are told, and no descriptor is left. (Those
// of other programs are in runtime_shutdown_test.cc, all kinds at a time, those
// of files and of TLS in fs_shutdown_test.cc and net_tls_shutdown_test.cc.)
//
// A connection that nobody has accepted is one descriptor and not two, so ten
// thousand streams need not be twenty thousand.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/async_fd.h"
#include "weft/net/copy_stream.h"
#include "weft/net/exit_status.h"
#include "weft/net/pipe.h"
#include "weft/net/process.h"
#include "weft/net/resolver.h"
#include "weft/net/signal_set.h"
#include "weft/net/standard_streams.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/udp_socket.h"
#include "weft/net/unix_address.h"
#include "weft/net/unix_datagram.h"
#include "weft/net/unix_listener.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/sync/channel.h"
#include "weft/sync/mutex.h"
#include "weft/tests/net/silent_port.h"
#include "weft/tests/support/crowd.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

// A thread of the pool is kept from its answer until the runtime ends. What has
// begun there is awaited, so somebody has to let it go then; and then it has an
// answer, which may come before its asker is cancelled.
//
// And a datagram over the loopback interface is handed to its receiver on the
// spot, or dropped: its sender's buffer is never full. So it is said to be.
class StuckSystem : public reactor::System {
 public:
  int getaddrinfo(const char*, const char* service, const addrinfo* hints,
                  addrinfo** answer) override {
    stuck_.wait(true);
    return System::getaddrinfo("127.0.0.1", service, hints, answer);
  }
  ssize_t sendmsg(int fd, const msghdr* message, int flags) override {
    const auto* const to = static_cast<const sockaddr*>(message->msg_name);
    if (to == nullptr || to->sa_family != AF_INET) {
      return System::sendmsg(fd, message, flags);
    }
    errno = EAGAIN;
    return -1;
  }

  void WaitHere() { stuck_.wait(true); }
  void LetGo() {
    stuck_ = false;
    stuck_.notify_all();
  }

 private:
  std::atomic<bool> stuck_ = true;
};

// A listener of this machine with so many unaccepted connections that there is
// no room for one more.
class CrowdedListener {
 public:
  CrowdedListener(reactor::System& system, UnixAddress address)
      : address_(std::move(address)),
        socket_(system.socket(AF_UNIX, SOCK_STREAM, 0)) {
    const UnixAddress::SystemForm form = address_.ToSystem();
    EXPECT_EQ(system.bind(socket_.get(), form.get(), form.size()), 0);
    EXPECT_EQ(system.listen(socket_.get(), 1), 0);
    do {
      clients_.emplace_back(system.socket(AF_UNIX, SOCK_STREAM, 0));
    } while (system.connect(clients_.back().get(), form.get(), form.size()) ==
             0);
    EXPECT_EQ(errno, EAGAIN);
  }

  const UnixAddress& address() const { return address_; }

 private:
  UnixAddress address_;
  reactor::Fd socket_;
  std::vector<reactor::Fd> clients_;
};

// A pipe that somebody else has filled, and one in which nothing comes.
struct Pipes {
  Pipes() {
    const std::vector<std::byte> much(4096);
    while (::write(full.write.get(), much.data(), much.size()) > 0) {
    }
  }

  const PipeEnds full = *OpenPipe();
  const PipeEnds silent = *OpenPipe();
};

// A descriptor of one's own for the same open file, as a child has it.
reactor::Fd Shared(const reactor::Fd& fd) {
  return reactor::Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
}

class NetScene : public tests::Scene {
 public:
  // Each is shared by some of the tasks. By all of them, the emulation of
  // kqueue would nest more queues over one file than Linux allows (EINVAL in
  // epoll_ctl(2)).
  Pipes& PipesOf(int number) { return pipes[number % pipes.size()]; }

  NetScene() { folder.Write("much", std::string(more_than_fits.size(), 'x')); }

  void Adjust(RuntimeOptions& options) override {
    options.signals = {SIGUSR2};
    options.system = &system;
  }
  Task<absl::Status> Prepare() override;
  // The process is killed while there is somebody to reap it.
  void LetGo() override {
    system.LetGo();
    process.reset();
  }

  StuckSystem system;
  const SilentPort silent;
  std::vector<TcpListener> deaf;  // Room for all, and nobody is accepted.
  std::optional<CrowdedListener> crowded;
  const std::vector<std::byte> more_than_fits = std::vector<std::byte>(200'000);
  const testing::TemporaryDirectory folder;
  reactor::Fd file;
  std::array<Pipes, 100> pipes;
  std::optional<UnixDatagram> unread;
  std::optional<Process> process;
  Resolver resolver;
  sync::Mutex mutex;
  sync::Channel<int> empty{1};
};

// A name in the abstract space that no other program has.
std::string NameOf(const std::string& what) {
  return absl::StrCat("@weft-", what, "-", ::getpid());
}

Task<absl::Status> NetScene::Prepare() {
  constexpr int kListeners = 4;  // With room for 4096 connections each.
  ListenOptions small;
  small.receive_buffer_size = 4096;
  for (int i = 0; i < kListeners; ++i) {
    deaf.push_back(co_await OrReturn(TcpListener::Bind("127.0.0.1:0", small)));
  }
  crowded.emplace(system, *UnixAddress::Parse(NameOf("crowded")));
  file = reactor::Fd(system.open((folder / "much").c_str(), O_RDONLY, 0));
  unread = co_await OrReturn(UnixDatagram::Bind(NameOf("unread")));
  ProcessOptions sleep("sleep", {"1000"});
  process = co_await OrReturn(Process::Spawn(std::move(sleep)));
  co_return absl::OkStatus();
}

// --- The waits --------------------------------------------------------------

// Each on an address of its own: among ten thousand that are taken on the same
// one, the system looks long for a port that is free.
Task<absl::Status> Accept(NetScene& scene, int number) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind(
      absl::StrCat("127.0.", number / 250, ".", number % 250 + 1, ":0")));
  scene.CountIn();
  const auto accepted = co_await listener.Accept();
  co_return accepted.status();
}

Task<absl::Status> Connect(NetScene& scene, int) {
  scene.CountIn();
  const auto stream = co_await TcpStream::Connect(scene.silent.address());
  co_return stream.status();
}

Task<absl::Status> AcceptUnix(NetScene& scene, int number) {
  UnixListener listener = co_await OrReturn(
      UnixListener::Bind(NameOf(absl::StrCat("accept-", number))));
  scene.CountIn();
  const auto accepted = co_await listener.Accept();
  co_return accepted.status();
}

Task<absl::Status> ConnectUnix(NetScene& scene, int) {
  scene.CountIn();
  const auto stream = co_await UnixStream::Connect(scene.crowded->address());
  co_return stream.status();
}

Task<absl::StatusOr<TcpStream>> ConnectToTheDeaf(NetScene& scene, int number) {
  const TcpListener& listener = scene.deaf[number % scene.deaf.size()];
  co_return co_await TcpStream::Connect(listener.local_address());
}

Task<absl::Status> Read(NetScene& scene, int number) {
  TcpStream stream = co_await OrReturn(ConnectToTheDeaf(scene, number));
  scene.CountIn();
  std::array<std::byte, 64> buffer;
  const auto got = co_await stream.Read(buffer);
  co_return got.status();
}

Task<absl::Status> ReadWithATimeout(NetScene& scene, int number) {
  TcpStream stream = co_await OrReturn(ConnectToTheDeaf(scene, number));
  stream.SetReadTimeout(absl::Hours(1));
  scene.CountIn();
  const auto got = co_await stream.ReadSome();
  co_return got.status();
}

Task<absl::Status> Write(NetScene& scene, int number) {
  TcpStream stream = co_await OrReturn(ConnectToTheDeaf(scene, number));
  co_await OrReturn(stream.SetSendBufferSize(4096));
  scene.CountIn();
  co_return co_await stream.WriteAll(scene.more_than_fits);
}

Task<absl::Status> SendFile(NetScene& scene, int number) {
  TcpStream stream = co_await OrReturn(ConnectToTheDeaf(scene, number));
  co_await OrReturn(stream.SetSendBufferSize(4096));
  scene.CountIn();
  const auto sent =
      co_await stream.SendFile(scene.file, 0, scene.more_than_fits.size());
  co_return sent.status();
}

// The copy has a pipe of its own.
Task<absl::Status> Copy(NetScene& scene, int number) {
  auto from = co_await OrReturn(UnixStream::Pair());
  const auto enough = std::span(scene.more_than_fits).first(40'000);
  co_await OrReturn(from.first.WriteAll(enough));
  from.first.Close();
  TcpStream to = co_await OrReturn(ConnectToTheDeaf(scene, number));
  co_await OrReturn(to.SetSendBufferSize(4096));
  scene.CountIn();
  const auto copied = co_await CopyStream(from.second, to);
  co_return copied.status();
}

Task<absl::Status> ReceiveUdp(NetScene& scene, int) {
  UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
  std::array<std::byte, 64> buffer;
  scene.CountIn();
  const auto got = co_await socket.ReceiveFrom(buffer);
  co_return got.status();
}

Task<absl::Status> SendUdp(NetScene& scene, int) {
  UdpSocket socket = co_await OrReturn(UdpSocket::Bind("127.0.0.1:0"));
  const std::array<std::byte, 8> datagram{};
  scene.CountIn();
  co_return co_await socket.SendTo(datagram, scene.silent.address());
}

Task<absl::Status> ReadUnix(NetScene& scene, int) {
  auto pair = co_await OrReturn(UnixStream::Pair());
  std::array<std::byte, 64> buffer;
  scene.CountIn();
  const auto got = co_await pair.first.Read(buffer);
  co_return got.status();
}

Task<absl::Status> SendUnixDatagrams(NetScene& scene, int) {
  UnixDatagram socket = co_await OrReturn(UnixDatagram::Unbound());
  co_await OrReturn(socket.Connect(scene.unread->local_address()));
  const std::array<std::byte, 8> datagram{};
  scene.CountIn();
  for (;;) co_await OrReturn(socket.Send(datagram));
}

Task<absl::Status> ReadPipe(NetScene& scene, int) {
  Pipe pipe = co_await OrReturn(MakePipe());
  std::array<std::byte, 64> buffer;
  scene.CountIn();
  const auto got = co_await pipe.reader.Read(buffer);
  co_return got.status();
}

Task<absl::Status> ReadInput(NetScene& scene, int number) {
  InputStream input = co_await OrReturn(
      InputStream::Adopt(Shared(scene.PipesOf(number).silent.read), "input"));
  std::array<std::byte, 64> buffer;
  scene.CountIn();
  const auto got = co_await input.Read(buffer);
  co_return got.status();
}

Task<absl::Status> WriteOutput(NetScene& scene, int number) {
  OutputStream output = co_await OrReturn(
      OutputStream::Adopt(Shared(scene.PipesOf(number).full.write), "output"));
  const std::array<std::byte, 64> some{};
  scene.CountIn();
  const auto written = co_await output.Write(some);
  co_return written.status();
}

Task<absl::Status> WaitForFd(NetScene& scene, int number) {
  AsyncFd fd = co_await OrReturn(
      AsyncFd::Borrow(scene.PipesOf(number).silent.read.get()));
  scene.CountIn();
  for (;;) co_await OrReturn(fd.WaitReadable());
}

Task<absl::Status> WaitForProcess(NetScene& scene, int) {
  Task<absl::StatusOr<ExitStatus>> wait = scene.process->Wait();
  scene.CountIn();
  const absl::StatusOr<ExitStatus> ended = co_await std::move(wait);
  co_return ended.status();
}

Task<absl::Status> WaitForSignal(NetScene& scene, int) {
  const std::vector<int> announced = {SIGUSR2};
  SignalSet signals = co_await OrReturn(SignalSet::Create(announced));
  scene.CountIn();
  const absl::StatusOr<int> signal = co_await signals.Next();
  co_return signal.status();
}

Task<absl::Status> Resolve(NetScene& scene, int number) {
  const std::string host = absl::StrCat("host-", number, ".example");
  scene.CountIn();
  const auto addresses = co_await scene.resolver.Resolve(host, 80);
  co_return addresses.status();
}

Task<absl::Status> Block(NetScene& scene, int) {
  auto wait = [&scene] { scene.system.WaitHere(); };
  scene.CountIn();
  co_return co_await Blocking(wait);
}

Task<absl::Status> Sleep(NetScene& scene, int number) {
  scene.CountIn();
  co_return co_await SleepFor(absl::Hours(1) + absl::Seconds(number));
}

Task<absl::Status> Lock(NetScene& scene, int) {
  scene.CountIn();
  const sync::Mutex::Guard guard = co_await OrReturn(scene.mutex.Lock());
  co_return co_await SleepFor(absl::InfiniteDuration());
}

Task<absl::Status> Receive(NetScene& scene, int) {
  scene.CountIn();
  const absl::StatusOr<int> received = co_await scene.empty.Receive();
  co_return received.status();
}

using NetWait = tests::WaitKind<NetScene>;

constexpr std::array kKinds = {
    NetWait{"Accept", Accept, 1},
    NetWait{"Connect", Connect, 1},
    NetWait{"AcceptUnix", AcceptUnix, 1},
    NetWait{"ConnectUnix", ConnectUnix},  // Between two tries it has none.
    NetWait{"Read", Read, 1},
    NetWait{"ReadWithATimeout", ReadWithATimeout, 1},
    NetWait{"Write", Write, 1},
    NetWait{"SendFile", SendFile, 1},
    NetWait{"Copy", Copy, 4},
    NetWait{"ReceiveUdp", ReceiveUdp, 1},
    NetWait{"SendUdp", SendUdp, 1},
    NetWait{"ReadUnix", ReadUnix, 2},
    NetWait{"SendUnixDatagrams", SendUnixDatagrams, 1},
    NetWait{"ReadPipe", ReadPipe, 2},
    NetWait{"ReadInput", ReadInput, 1},
    NetWait{"WriteOutput", WriteOutput, 1},
    NetWait{"WaitForFd", WaitForFd, 1},
    NetWait{"WaitForProcess", WaitForProcess},
    NetWait{"WaitForSignal", WaitForSignal, 0, 1},
    NetWait{"Resolve", Resolve},
    NetWait{"Block", Block},
    NetWait{"Sleep", Sleep},
    NetWait{"Lock", Lock},
    NetWait{"Receive", Receive},
};

// --- The end ----------------------------------------------------------------

using NetShutdownTest = tests::CrowdTest<NetScene>;

INSTANTIATE_TEST_SUITE_P(
    Each, NetShutdownTest,
    ::testing::Combine(::testing::ValuesIn(kKinds),
                       ::testing::Values(Flavor::kWorkStealing,
                                         Flavor::kPerCore)),
    NetShutdownTest::NameOf);

TEST_P(NetShutdownTest, EndsTenThousandTasksInOneKindOfWait) {
  EndAgainAndAgain();
}

}  // namespace
}  // namespace weft::net
