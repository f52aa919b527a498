// Tests that sessions within this machine bear every single fault of the
// system: over Unix sockets and pipes, with programs that are started, with
// signals, and with streams that somebody else shares.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/async_fd.h"
#include "weft/net/fifo.h"
#include "weft/net/pipe.h"
#include "weft/net/process.h"
#include "weft/net/run_process.h"
#include "weft/net/signal_set.h"
#include "weft/net/standard_streams.h"
#include "weft/net/unix_listener.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/signal_mask.h"
#include "weft/reactor/system.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/wire.h"
#include "weft/tests/support/single_faults.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::weft::testing::TemporaryDirectory;
using ::weft::tests::FaultsBorne;
using ::weft::tests::Session;

constexpr std::string_view kText =
    "some words for the other side, and enough of them for a call to be cut "
    "short in many a place";

// --- Unix sockets -----------------------------------------------------------

// Takes a descriptor, and says through it what it hears.
Task<absl::Status> ServeUnix(UnixListener& listener, Wires& wires) {
  UnixStream stream = co_await OrReturn(listener.Accept());
  std::array<std::byte, 128> buffer;
  ReceivedDescriptors first =
      co_await OrReturn(stream.ReceiveDescriptors(buffer));
  wires.up.came += Text(std::span(buffer).first(first.size));
  if (first.descriptors.size() != 1) {
    co_return absl::DataLossError("the descriptor did not come");
  }
  co_await OrReturn(Hear(stream, kText.size() - first.size, wires.up));
  PipeWriter out = PipeWriter::Adopt(std::move(first.descriptors[0]), "given");
  co_return co_await Say(out, std::string(kText), wires.down);
}

Task<absl::Status> AskUnix(std::string path, Wires& wires) {
  UnixStream stream = co_await OrReturn(UnixStream::Connect(path));
  co_await OrReturn(stream.peer_credentials());
  PipeEnds ends = co_await OrReturn(OpenPipe(CurrentReactor().system()));
  wires.up.given += kText;
  const std::array<int, 1> given = {ends.write.get()};
  const std::size_t sent =
      co_await OrReturn(stream.SendDescriptors(Bytes(kText), given));
  co_await OrReturn(stream.WriteAll(Bytes(kText.substr(sent))));
  ends.write.Close().IgnoreError();  // Whatever it says, it is the other's now.
  PipeReader in = PipeReader::Adopt(std::move(ends.read), "pipe");
  co_return co_await Hear(in, kText.size(), wires.down);
}

Task<absl::Status> TalkOverUnix(std::string path, Wires& wires) {
  // A run whose lstat has failed does not know the file for its own.
  ::unlink(path.c_str());
  UnixListener listener = co_await OrReturn(UnixListener::Bind(path));
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(ServeUnix(listener, wires));
    co_return co_await AskUnix(path, wires);
  });
}

TEST(SingleFaultsLocalTest, ADescriptorThatIsPassedBearsEveryOne) {
  const TemporaryDirectory folder;
  Wires wires;

  const int borne = FaultsBorne(
      OnWires(wires, [&] { return TalkOverUnix(folder / "socket", wires); }));

  EXPECT_GE(borne, 400);
}

// --- More than fits ---------------------------------------------------------

// What is said is many times what the buffer holds, so both sides wait for each
// other again and again. (Over TCP they would wait for the kernel's timers as
// well.)
constexpr int kSmallBuffer = 4096;
constexpr std::size_t kBulk = 50'000;

Task<absl::Status> SayBulk(UnixStream stream, Wire& wire) {
  co_await OrReturn(stream.SetSendBufferSize(kSmallBuffer));
  co_await OrReturn(Say(stream, Text(Pattern(kBulk)), wire));
  co_return stream.ShutdownWrite();
}

Task<absl::Status> TalkAtLength(Wire& wire) {
  auto ends = co_await OrReturn(UnixStream::Pair());
  UnixStream& reader = ends.second;
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(SayBulk(std::move(ends.first), wire));
    std::vector<std::byte> all(kBulk);
    co_await OrReturn(reader.ReadExactly(all));
    wire.came = Text(all);
    co_return co_await HearOut(reader, wire);
  });
}

TEST(SingleFaultsLocalTest, BulkBearsEveryOne) {
  Wires wires;

  const int borne =
      FaultsBorne(OnWires(wires, [&] { return TalkAtLength(wires.up); }));

  EXPECT_GE(borne, 150);
}

// --- Pipes ------------------------------------------------------------------

Task<absl::Status> FillPipe(PipeWriter writer, Wire& wire) {
  co_await OrReturn(Say(writer, std::string(kText), wire));
  co_return co_await SayInParts(writer, std::string(kText), "", wire);
}

Task<absl::Status> DrainPipe(Wire& wire) {
  Pipe pipe = co_await OrReturn(MakePipe());
  PipeReader& reader = pipe.reader;
  PipeWriter& writer = pipe.writer;
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(FillPipe(std::move(writer), wire));
    std::array<std::byte, 4> one;
    const std::array<std::span<std::byte>, 1> parts = {one};
    const std::size_t got = co_await OrReturn(reader.ReadVectored(parts));
    wire.came += Text(std::span(one).first(got));
    co_return co_await HearOut(reader, wire);
  });
}

TEST(SingleFaultsLocalTest, APipeBearsEveryOne) {
  Wires wires;

  const int borne =
      FaultsBorne(OnWires(wires, [&] { return DrainPipe(wires.up); }));

  EXPECT_GE(borne, 350);
}

// --- FIFOs ------------------------------------------------------------------

Task<absl::Status> DrainFifo(std::string path, Wire& wire) {
  ::unlink(path.c_str());
  EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
  PipeReader reader = co_await OrReturn(OpenFifoReader(path));
  PipeWriter writer = co_await OrReturn(OpenFifoWriter(path));
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(FillPipe(std::move(writer), wire));
    co_return co_await HearOut(reader, wire);
  });
}

TEST(SingleFaultsLocalTest, AFifoBearsEveryOne) {
  const TemporaryDirectory folder;
  Wires wires;

  const int borne = FaultsBorne(
      OnWires(wires, [&] { return DrainFifo(folder / "fifo", wires.up); }));

  EXPECT_GE(borne, 300);
}

// Ends that come from elsewhere, of a FIFO that each of them holds open.
Task<absl::Status> TalkThroughForeignEnds(std::string path, Wire& wire) {
  ::unlink(path.c_str());
  EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
  reactor::System& system = CurrentReactor().system();
  reactor::Fd in(::open(path.c_str(), O_RDWR | O_CLOEXEC), system);
  reactor::Fd out(::open(path.c_str(), O_RDWR | O_CLOEXEC), system);
  PipeReader reader =
      co_await OrReturn(PipeReader::FromFd(std::move(in), "in"));
  PipeWriter writer =
      co_await OrReturn(PipeWriter::FromFd(std::move(out), "out"));
  co_await OrReturn(Say(writer, std::string(kText), wire));
  co_return co_await Hear(reader, kText.size(), wire);
}

TEST(SingleFaultsLocalTest, EndsOfOthersBearEveryOne) {
  const TemporaryDirectory folder;
  Wires wires;

  const int borne = FaultsBorne(OnWires(wires, [&] {
    return TalkThroughForeignEnds(folder / "fifo", wires.up);
  }));

  EXPECT_GE(borne, 150);
}

// --- Streams that are shared ------------------------------------------------

Task<absl::Status> SayShared(OutputStream output, Wire& wire) {
  co_await OrReturn(Say(output, std::string(kText), wire));
  output.Close();
  co_return absl::OkStatus();
}

// Through a pipe that blocks, as those do that a shell hands out.
Task<absl::Status> TalkThroughShared(Wire& wire) {
  reactor::System& system = CurrentReactor().system();
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  reactor::Fd read(ends[0], system);
  reactor::Fd write(ends[1], system);
  InputStream input =
      co_await OrReturn(InputStream::Adopt(std::move(read), "input"));
  OutputStream output =
      co_await OrReturn(OutputStream::Adopt(std::move(write), "output"));
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(SayShared(std::move(output), wire));
    co_return co_await HearOut(input, wire);
  });
}

TEST(SingleFaultsLocalTest, StreamsThatAreSharedBearEveryOne) {
  Wires wires;
  Session session = OnWires(wires, [&] { return TalkThroughShared(wires.up); });
  session.does_without = {"fcntl", "open"};  // It tries the pipe as it is.

  const int borne = FaultsBorne(std::move(session));

  EXPECT_GE(borne, 190);
}

// --- Descriptors that somebody else talks through ---------------------------

using IoResult = std::optional<absl::StatusOr<std::size_t>>;

IoResult ResultOf(ssize_t moved, const char* call) {
  if (moved >= 0) return static_cast<std::size_t>(moved);
  const int error = errno;
  if (error == EAGAIN) return std::nullopt;
  return reactor::ErrnoToStatus(error, call);
}

Task<absl::Status> WriteThrough(AsyncFd& fd, Wire& wire) {
  reactor::System& system = CurrentReactor().system();
  wire.given = kText;
  std::string_view rest = kText;
  auto write = [&](int number) {
    const auto call = [&] {
      return system.write(number, rest.data(), rest.size());
    };
    return ResultOf(reactor::RetryInterrupted(call), "write(pipe)");
  };
  while (!rest.empty()) {
    const std::size_t taken =
        co_await OrReturn(fd.TryIo(Direction::kWrite, write));
    rest.remove_prefix(taken);
  }
  fd.Close();
  co_return absl::OkStatus();
}

Task<absl::Status> ReadThrough(AsyncFd& fd, Wire& wire) {
  reactor::System& system = CurrentReactor().system();
  std::array<std::byte, 200> buffer;
  auto read = [&](int number) {
    const auto call = [&] {
      return system.read(number, buffer.data(), buffer.size());
    };
    return ResultOf(reactor::RetryInterrupted(call), "read(pipe)");
  };
  for (;;) {
    const std::size_t got = co_await OrReturn(fd.TryIo(Direction::kRead, read));
    if (got == 0) co_return absl::OkStatus();
    wire.came += Text(std::span(buffer).first(got));
  }
}

// One end is taken over, the other is borrowed.
Task<absl::Status> TalkThroughAsyncFds(Wire& wire) {
  PipeEnds ends = co_await OrReturn(OpenPipe(CurrentReactor().system()));
  AsyncFd in = co_await OrReturn(AsyncFd::Adopt(std::move(ends.read)));
  AsyncFd out = co_await OrReturn(AsyncFd::Borrow(ends.write.get()));
  ends.write.Close().IgnoreError();  // The duplicate has the pipe.
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    scope.Spawn(WriteThrough(out, wire));
    co_return co_await ReadThrough(in, wire);
  });
}

TEST(SingleFaultsLocalTest, DescriptorsOfOthersBearEveryOne) {
  Wires wires;

  const int borne = FaultsBorne(
      OnWires(wires, [&] { return TalkThroughAsyncFds(wires.up); }));

  EXPECT_GE(borne, 200);
}

// --- Processes --------------------------------------------------------------

Task<absl::Status> FeedCat(PipeWriter input, Wire& wire) {
  co_await OrReturn(Say(input, std::string(kText), wire));
  input.Close();
  co_return absl::OkStatus();
}

Task<absl::Status> TalkToCat(Wire& wire) {
  ProcessOptions options("cat");
  options.standard_input = Redirect::Pipe();
  options.standard_output = Redirect::Pipe();
  options.standard_error = Redirect::ToStandardOutput();
  reactor::System& system = CurrentReactor().system();
  auto open_null = [&] { return system.open("/dev/null", O_RDONLY, 0); };
  reactor::Fd passed_on(reactor::RetryInterrupted(open_null), system);
  if (!passed_on) {
    co_return reactor::ErrnoToStatus(errno, "open(\"/dev/null\")");
  }
  const int number = passed_on.get();  // Its own: it has to make way.
  options.descriptors.emplace(number, std::move(passed_on));
  Process cat = co_await OrReturn(Process::Spawn(std::move(options)));
  PipeReader output = cat.TakeStdout();
  absl::Status talked =
      co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
        scope.Spawn(FeedCat(cat.TakeStdin(), wire));
        co_return co_await HearOut(output, wire);
      });
  co_await OrReturn(std::move(talked));
  const ExitStatus status = co_await OrReturn(cat.Wait());
  EXPECT_TRUE(status.ok());
  co_return absl::OkStatus();
}

TEST(SingleFaultsLocalTest, AProgramThatIsStartedBearsEveryOne) {
  Wires wires;

  const int borne =
      FaultsBorne(OnWires(wires, [&] { return TalkToCat(wires.up); }));

  EXPECT_GE(borne, 150);
}

Task<absl::Status> RunCat(std::string& output) {
  const RunProcessOptions run_options{std::string(kText)};
  ProcessOptions options("cat");
  ProcessOutput done =
      co_await OrReturn(RunProcess(std::move(options), run_options));
  output = std::move(done.standard_output);
  co_return absl::OkStatus();
}

// That a program does not read all of its input is no error.
TEST(SingleFaultsLocalTest, AProgramThatIsRunBearsEveryOne) {
  std::string output;
  const auto begins = [&output](const absl::Status&) {
    if (kText.starts_with(output)) return absl::OkStatus();
    return absl::InternalError(output);
  };

  const int borne = FaultsBorne(
      {.start = [&output] { return RunCat(output); }, .check = begins});

  EXPECT_GE(borne, 150);
}

Task<absl::Status> StopSleep() {
  ProcessOptions options("sleep", {"1000"});
  options.new_group = true;
  options.standard_input = Redirect::Null();
  Process process = co_await OrReturn(Process::Spawn(std::move(options)));
  absl::StatusOr<ExitStatus> ended = co_await process.Stop(absl::Seconds(1));
  const ExitStatus status = co_await OrReturn(std::move(ended));
  EXPECT_FALSE(status.ok());
  co_return absl::OkStatus();
}

// It is not stopped where both signals are said to have found nobody: its
// number may be another's by then.
TEST(SingleFaultsLocalTest, AProgramThatIsStoppedBearsEveryOne) {
  const int borne = FaultsBorne(
      {.start = StopSleep,
       .check = [](const absl::Status&) { return absl::OkStatus(); },
       .tidies_by = {"kill", "waitpid"}});

  EXPECT_GE(borne, 40);
}

// --- Signals ----------------------------------------------------------------

Task<absl::Status> TakeSignal() {
  const std::vector<int> wanted(1, SIGUSR1);
  SignalSet signals = co_await OrReturn(SignalSet::Create(wanted));
  EXPECT_EQ(::kill(::getpid(), SIGUSR1), 0);
  const int signal = co_await OrReturn(signals.Next());
  EXPECT_EQ(signal, SIGUSR1);
  co_return absl::OkStatus();
}

// What a run that has failed left pending must not end the program.
absl::Status ForgetSignal(const absl::Status&) {
  sigset_t pending;
  ::sigemptyset(&pending);
  ::sigaddset(&pending, SIGUSR1);
  const timespec now{};
  while (::sigtimedwait(&pending, nullptr, &now) == SIGUSR1) {
  }
  return absl::OkStatus();
}

TEST(SingleFaultsLocalTest, ASignalThatIsTakenBearsEveryOne) {
  const std::unique_ptr<reactor::BlockedSignals> announced =
      *reactor::BlockedSignals::Create({SIGUSR1});

  const int borne = FaultsBorne({.start = TakeSignal, .check = ForgetSignal});

  EXPECT_GE(borne, 10);
}

}  // namespace
}  // namespace weft::net
