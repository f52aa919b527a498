// Tests of the standard streams' classes, over a terminal, a pipe, a socket and
// a file that somebody else shares.
//
// SPDX-License-Identifier: MIT

#include "weft/net/standard_streams.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/stream.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using reactor::Fd;
using testing::SimulatedSystem;
using testing::Simulator;

// Two descriptors that lead to each other, both of which block, as those do
// that a shell hands out.
struct Connected {
  Fd read;
  Fd write;
};

Connected BlockingPipe() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

Connected BlockingSockets() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()),
            0);
  return {Fd(ends[0]), Fd(ends[1])};
}

// A terminal, which `read` is, and its user, who is `write`.
Connected Terminal() {
  const int user = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  EXPECT_TRUE(user != -1 && ::grantpt(user) == 0 && ::unlockpt(user) == 0);
  return {Fd(::open(::ptsname(user), O_RDWR | O_NOCTTY | O_CLOEXEC)), Fd(user)};
}

bool Blocks(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

// As another program makes them that was started on them.
Connected NonBlocking(Connected ends) {
  for (const Fd* const end : {&ends.read, &ends.write}) {
    const int flags = ::fcntl(end->get(), F_GETFL);
    EXPECT_EQ(::fcntl(end->get(), F_SETFL, flags | O_NONBLOCK), 0);
  }
  return ends;
}

Fd Duplicate(const Fd& fd) { return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

void Write(const Fd& to, std::string_view text) {
  EXPECT_EQ(::write(to.get(), text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
}

Task<absl::StatusOr<std::string>> ReadSome(InputStream& input) {
  std::array<std::byte, 64> buffer;
  std::size_t got = co_await OrReturn(input.Read(buffer));
  co_return std::string(reinterpret_cast<const char*>(buffer.data()), got);
}

// Waits, is cancelled, waits again, is given something, and then the end.
Task<absl::Status> UseInput(Connected ends, std::string_view end) {
  InputStream input =
      co_await OrReturn(InputStream::Adopt(Duplicate(ends.read), "input"));
  absl::StatusOr<std::string> none =
      co_await WithTimeout(absl::Seconds(1), ReadSome(input));
  EXPECT_TRUE(absl::IsDeadlineExceeded(none.status())) << none.status();
  JoinHandle reading = Spawn(ReadSome, std::ref(input));
  co_await Yield();
  Write(ends.write, "a line\n");
  std::string line = co_await OrReturn(reading.Join());
  EXPECT_EQ(line, "a line\n");
  EXPECT_TRUE(Blocks(ends.read.get()));
  end.empty() ? ends.write.Close().IgnoreError() : Write(ends.write, end);
  std::string rest = co_await OrReturn(ReadSome(input));
  EXPECT_EQ(rest, "");
  co_return absl::OkStatus();
}

TEST(InputStreamTest, WaitsForAPipeAndLeavesItBlocking) {
  Simulator sim;
  EXPECT_TRUE(sim.Run(UseInput(BlockingPipe(), "")).ok());
}

// As a FIFO is that is opened for both directions, so that it has no end:
// fifo(7).
TEST(InputStreamTest, APipeForBothDirectionsHoldsItsOtherEnd) {
  const testing::TemporaryDirectory folder;
  const std::string path = folder / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  Simulator sim;
  auto run = [&path]() -> Task<absl::Status> {
    InputStream input = co_await OrReturn(
        InputStream::Adopt(Fd(::open(path.c_str(), O_RDWR)), "input"));
    OutputStream output = co_await OrReturn(
        OutputStream::Adopt(Fd(::open(path.c_str(), O_RDWR)), "output"));
    const std::array<std::byte, 3> some{};
    const std::size_t written = co_await OrReturn(output.Write(some));
    EXPECT_EQ(written, some.size());
    output.Close();
    const std::string first = co_await OrReturn(ReadSome(input));
    EXPECT_EQ(first.size(), some.size());
    const absl::StatusOr<std::string> none =
        co_await WithTimeout(absl::Seconds(1), ReadSome(input));
    EXPECT_TRUE(absl::IsDeadlineExceeded(none.status())) << none.status();
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(run()), absl::OkStatus());
}

TEST(InputStreamTest, WaitsForASocketAndLeavesItBlocking) {
  Simulator sim;
  EXPECT_TRUE(sim.Run(UseInput(BlockingSockets(), "")).ok());
}

TEST(InputStreamTest, WaitsForATerminalAndLeavesItBlocking) {
  Simulator sim;
  constexpr std::string_view kControlD = "\x04";
  EXPECT_TRUE(sim.Run(UseInput(Terminal(), kControlD)).ok());
}

TEST(InputStreamTest, ReadsTheMasterOfATerminalAndNoOther) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<std::string>> {
    Connected ends = Terminal();
    InputStream input =
        co_await OrReturn(InputStream::Adopt(Duplicate(ends.write), "input"));
    Write(ends.read, "woven");
    co_return co_await WithTimeout(absl::Seconds(1), ReadSome(input));
  };

  const auto read = sim.Run(program());

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, "woven");
}

// As where /proc is not there, or the pipe is somebody else's.
class WithoutNames : public SimulatedSystem {
 public:
  int open(const char*, int, mode_t) override {
    errno = ENOENT;
    return -1;
  }
};

TEST(InputStreamTest, WaitsForAPipeThatCannotBeOpenedAgain) {
  WithoutNames system;
  Simulator sim({.system = &system});
  EXPECT_TRUE(sim.Run(UseInput(BlockingPipe(), "")).ok());
}

// As macOS, which cannot try a pipe without waiting.
class Patient : public WithoutNames {
 public:
  ssize_t read_nowait(int, void*, std::size_t) override { return Fail(); }
  ssize_t write_nowait(int, const void*, std::size_t) override {
    return Fail();
  }

 private:
  static ssize_t Fail() {
    errno = ENOTSUP;
    return -1;
  }
};

TEST(InputStreamTest, WaitsForAPipeThatCannotBeTried) {
  Patient system;
  Simulator sim({.system = &system});
  EXPECT_TRUE(sim.Run(UseInput(BlockingPipe(), "")).ok());
}

// As for a device that cannot count what it has, or where whoever shares the
// pipe has taken what was counted: the pool finds nothing.
class Uncounted final : public Patient {
 public:
  int ioctl(int, unsigned long, void*) override {
    errno = ENOTTY;
    return -1;
  }
};

TEST(InputStreamTest, WaitsForWhatSomebodyElseHasMadeNonBlocking) {
  Uncounted system;
  Simulator sim({.system = &system});
  auto program = []() -> Task<absl::StatusOr<std::string>> {
    Connected ends = NonBlocking(BlockingPipe());
    InputStream input =
        co_await OrReturn(InputStream::Adopt(Duplicate(ends.read), "input"));
    absl::StatusOr<std::string> none =
        co_await WithTimeout(absl::Seconds(1), ReadSome(input));
    EXPECT_TRUE(absl::IsDeadlineExceeded(none.status())) << none.status();
    JoinHandle reading = Spawn(ReadSome, std::ref(input));
    co_await Yield();
    Write(ends.write, "woven");
    co_return co_await reading.Join();
  };

  const auto read = sim.Run(program());

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, "woven");
}

TEST(InputStreamTest, ReadsAFileFromWhereItStands) {
  Simulator sim;
  const testing::TemporaryDirectory folder;
  folder.Write("file", "read already, and the rest");
  auto program =
      [](const std::string& path) -> Task<absl::StatusOr<std::string>> {
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(::lseek(file.get(), 14, SEEK_SET), 14);
    InputStream input =
        co_await OrReturn(InputStream::Adopt(std::move(file), "input"));
    std::string text = co_await OrReturn(ReadSome(input));
    std::string end = co_await OrReturn(ReadSome(input));
    co_return text + end;
  };

  EXPECT_EQ(*sim.Run(program(folder / "file")), "and the rest");
}

TEST(InputStreamTest, ClosedUnderAWaiterItSaysSo) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<std::string>> {
    Connected ends = BlockingPipe();
    InputStream input =
        co_await OrReturn(InputStream::Adopt(Duplicate(ends.read), "input"));
    JoinHandle reading = Spawn(ReadSome, std::ref(input));
    co_await Yield();
    input.Close();
    co_return co_await reading.Join();
  };

  EXPECT_EQ(sim.Run(program()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// More than fits, to a reader that takes its time.
Task<absl::StatusOr<bool>> FillAndDrain(Connected ends) {
  const std::string much(300'000, 'x');
  OutputStream output =
      co_await OrReturn(OutputStream::Adopt(Duplicate(ends.write), "output"));
  auto write = [](OutputStream& output,
                  std::string_view much) -> Task<absl::Status> {
    co_return co_await WriteAll(output, std::as_bytes(std::span(much)));
  };
  JoinHandle writing = Spawn(write, std::ref(output), std::string_view(much));
  std::size_t read = 0;
  std::array<char, 10'000> buffer;
  while (read < much.size()) {
    co_await OrReturn(SleepFor(absl::Milliseconds(1)));
    int waiting = 0;
    EXPECT_EQ(::ioctl(ends.read.get(), FIONREAD, &waiting), 0);
    if (waiting == 0) continue;
    const ssize_t got = ::read(ends.read.get(), buffer.data(), buffer.size());
    if (got <= 0) co_return false;
    read += static_cast<std::size_t>(got);
  }
  co_await OrReturn(writing.Join());
  co_return Blocks(ends.write.get());
}

// Also where the kernel could not try it without waiting.
TEST(OutputStreamTest, APipeThatIsFullKeepsNobodyWhoIsCancelled) {
  class Untried final : public SimulatedSystem {
   public:
    ssize_t write_nowait(int, const void*, std::size_t) override {
      errno = ENOTSUP;
      return -1;
    }
  } system;
  Simulator sim({.system = &system});
  auto program = [](Connected ends) -> Task<absl::Status> {
    OutputStream output =
        co_await OrReturn(OutputStream::Adopt(Duplicate(ends.write), "output"));
    const std::string much(300'000, 'x');
    co_return co_await WithTimeout(
        absl::Seconds(1), WriteAll(output, std::as_bytes(std::span(much))));
  };

  const absl::Status status = sim.Run(program(BlockingPipe()));

  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
}

TEST(OutputStreamTest, WaitsForAPipeAndLeavesItBlocking) {
  Simulator sim;
  EXPECT_TRUE(*sim.Run(FillAndDrain(BlockingPipe())));
}

// Who shares an open file may have made it so; it is left as it is.
TEST(OutputStreamTest, WaitsForAPipeThatDoesNotBlockAndCannotBeTried) {
  Patient system;
  Simulator sim({.system = &system});
  Connected pipe = BlockingPipe();
  ASSERT_EQ(::fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK), 0);

  const absl::StatusOr<bool> blocks = sim.Run(FillAndDrain(std::move(pipe)));

  ASSERT_TRUE(blocks.ok()) << blocks.status();
  EXPECT_FALSE(*blocks);
}

TEST(OutputStreamTest, WaitsForASocketAndLeavesItBlocking) {
  Simulator sim;
  EXPECT_TRUE(*sim.Run(FillAndDrain(BlockingSockets())));
}

TEST(OutputStreamTest, WaitsForWhatSomebodyElseHasMadeNonBlocking) {
  Patient system;
  Simulator sim({.system = &system});

  const auto blocks = sim.Run(FillAndDrain(NonBlocking(BlockingPipe())));

  ASSERT_TRUE(blocks.ok()) << blocks.status();
  EXPECT_FALSE(*blocks);  // Left as it was found.
}

TEST(OutputStreamTest, WritesToATerminal) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<std::string>> {
    Connected ends = Terminal();
    OutputStream output =
        co_await OrReturn(OutputStream::Adopt(Duplicate(ends.read), "output"));
    std::string_view text = "woven";
    co_await OrReturn(output.Write(std::as_bytes(std::span(text))));
    std::array<char, 64> buffer;
    const ssize_t got = ::read(ends.write.get(), buffer.data(), buffer.size());
    EXPECT_TRUE(Blocks(ends.read.get()));
    co_return std::string(buffer.data(), got > 0 ? std::size_t(got) : 0);
  };

  EXPECT_EQ(*sim.Run(program()), "woven");
}

TEST(OutputStreamTest, WritesToAFileAndToAPipeThatCannotBeTried) {
  Patient system;
  Simulator sim({.system = &system});
  const testing::TemporaryDirectory folder;
  auto program = [](Fd to) -> Task<absl::Status> {
    OutputStream output =
        co_await OrReturn(OutputStream::Adopt(std::move(to), "output"));
    std::string_view text = "woven";
    co_return co_await WriteAll(output, std::as_bytes(std::span(text)));
  };
  Connected pipe = BlockingPipe();
  Fd file(::open((folder / "f").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));

  EXPECT_TRUE(sim.Run(program(std::move(file))).ok());
  EXPECT_TRUE(sim.Run(program(std::move(pipe.write))).ok());

  EXPECT_EQ(folder.Read("f"), "woven");
  std::array<char, 64> buffer;
  EXPECT_EQ(::read(pipe.read.get(), buffer.data(), buffer.size()), 5);
}

TEST(OutputStreamTest, OfSeveralPartsItWritesTheFirstThatHasAnything) {
  Simulator sim;
  auto program = [](Fd to) -> Task<absl::StatusOr<std::size_t>> {
    OutputStream output =
        co_await OrReturn(OutputStream::Adopt(std::move(to), "output"));
    std::string_view one = "wo";
    std::string_view other = "ven";
    const std::array<std::span<const std::byte>, 3> parts = {
        std::span<const std::byte>(), std::as_bytes(std::span(one)),
        std::as_bytes(std::span(other))};
    co_return co_await output.WriteVectored(parts);
  };
  const testing::TemporaryDirectory folder;
  Fd file(::open((folder / "f").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  Connected pipe = BlockingPipe();

  EXPECT_EQ(sim.Run(program(std::move(file))).value(), 2u);
  EXPECT_EQ(sim.Run(program(std::move(pipe.write))).value(), 2u);

  EXPECT_EQ(folder.Read("f"), "wo");
  std::array<char, 64> buffer;
  ASSERT_EQ(::read(pipe.read.get(), buffer.data(), buffer.size()), 2);
  EXPECT_EQ(std::string_view(buffer.data(), 2), "wo");
}

TEST(OutputStreamTest, WhereNobodyReadsItSaysSoAndRaisesNothing) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<std::size_t>> {
    Connected ends = BlockingPipe();
    ends.read.Close().IgnoreError();
    OutputStream output =
        co_await OrReturn(OutputStream::Adopt(std::move(ends.write), "output"));
    std::string_view text = "anybody?";
    co_return co_await output.Write(std::as_bytes(std::span(text)));
  };

  EXPECT_EQ(sim.Run(program()).status().code(), absl::StatusCode::kUnavailable);
}

TEST(StandardStreamsTest, CloseNothingButThemselves) {
  Simulator sim;
  auto program = []() -> Task<absl::Status> {
    co_await OrReturn(StandardInput().status());
    co_await OrReturn(StandardOutput().status());
    co_await OrReturn(StandardError().status());
    co_return absl::OkStatus();
  };

  EXPECT_TRUE(sim.Run(program()).ok());
  EXPECT_NE(::fcntl(STDIN_FILENO, F_GETFD), -1);
  EXPECT_NE(::fcntl(STDERR_FILENO, F_GETFD), -1);
}

}  // namespace
}  // namespace weft::net
