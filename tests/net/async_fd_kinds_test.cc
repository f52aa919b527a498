// Tests of waiting for what is no socket: changes of files, terminals, timers
// and counters, which Linux hands out as descriptors.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/net/async_fd.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::System;
using ::weft::testing::Simulator;

void WriteTo(const Fd& fd, std::string_view text) {
  EXPECT_EQ(::write(fd.get(), text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
}

// --- What becomes readable --------------------------------------------------

// Something to wait for, and how to make it happen.
class Device {
 public:
  virtual ~Device() = default;
  virtual void Happen() = 0;

  Fd fd;  // Does not block.
};

class FileChanges final : public Device {
 public:
  FileChanges() {
    // inotify(7): IN_CLOSE_WRITE.
    constexpr std::uint32_t kWritten = 0x8;
    System& system = System::Kernel();
    fd = Fd(system.inotify_init());
    EXPECT_NE(
        system.inotify_add_watch(fd.get(), folder_.path().c_str(), kWritten),
        -1);
  }
  void Happen() override { folder_.Write("file", "text"); }

 private:
  weft::testing::TemporaryDirectory folder_;
};

class Counter final : public Device {
 public:
  Counter() { fd = Fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }
  void Happen() override { EXPECT_EQ(::eventfd_write(fd.get(), 1), 0); }
};

class Timer final : public Device {
 public:
  Timer() {
    fd = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  }
  // In a moment that is over.
  void Happen() override {
    const itimerspec at_once = {.it_interval = {}, .it_value = {0, 1}};
    EXPECT_EQ(::timerfd_settime(fd.get(), TFD_TIMER_ABSTIME, &at_once, nullptr),
              0);
  }
};

// Whichever of its two sides is watched, the other one writes a line.
class Terminal final : public Device {
 public:
  enum class Side { kUser, kProgram };

  explicit Terminal(Side side) {
    Fd user(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    EXPECT_EQ(::grantpt(user.get()), 0);
    EXPECT_EQ(::unlockpt(user.get()), 0);
    Fd program(::open(::ptsname(user.get()),
                      O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    const bool watch_user = side == Side::kUser;
    fd = std::move(watch_user ? user : program);
    other_ = std::move(watch_user ? program : user);
  }
  void Happen() override { WriteTo(other_, "a line\n"); }

 private:
  Fd other_;
};

struct DeviceKind {
  std::string name;
  std::function<std::unique_ptr<Device>()> make;
};

const DeviceKind kDevices[] = {
    {"FileChanges", [] { return std::make_unique<FileChanges>(); }},
    {"Counter", [] { return std::make_unique<Counter>(); }},
    {"Timer", [] { return std::make_unique<Timer>(); }},
    {"TerminalsUser",
     [] { return std::make_unique<Terminal>(Terminal::Side::kUser); }},
    {"TerminalsProgram",
     [] { return std::make_unique<Terminal>(Terminal::Side::kProgram); }},
};

// Reads all there is; whether that was anything.
bool ReadAllOf(int fd) {
  std::array<char, 4096> buffer;
  bool any = false;
  while (::read(fd, buffer.data(), buffer.size()) > 0) any = true;
  return any;
}

Task<absl::Status> WaitByHints(AsyncFd& fd, int number, int& happened) {
  while (!ReadAllOf(number)) co_await OrReturn(fd.WaitReadable());
  ++happened;
  co_return absl::OkStatus();
}

Task<absl::Status> WaitByTryIo(AsyncFd& fd, int& happened) {
  const auto read = [](int number) -> std::optional<absl::Status> {
    if (!ReadAllOf(number)) return std::nullopt;
    return absl::OkStatus();
  };
  co_await OrReturn(fd.TryIo(Direction::kRead, read));
  ++happened;
  co_return absl::OkStatus();
}

// Four times, by hints and by TryIo in turn.
Task<absl::Status> WaitForFour(const Device& device, int& happened) {
  AsyncFd fd = co_await OrReturn(AsyncFd::Borrow(device.fd.get()));
  while (happened < 4) {
    if (happened % 2 == 0) {
      co_await OrReturn(WaitByHints(fd, device.fd.get(), happened));
    } else {
      co_await OrReturn(WaitByTryIo(fd, happened));
    }
  }
  co_return absl::OkStatus();
}

// Makes it happen, and returns when the kernel knows of it.
void LetHappen(Device& device) {
  device.Happen();
  pollfd readable = {.fd = device.fd.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&readable, 1, -1), 1);
}

class AsyncFdKindsTest : public ::testing::TestWithParam<DeviceKind> {};

TEST_P(AsyncFdKindsTest, WaitsEachTimeUntilItHappens) {
  const std::unique_ptr<Device> device = GetParam().make();
  int happened = 0;
  Simulator sim;
  auto waiting = sim.SpawnJoinable(WaitForFour(*device, happened));

  for (int time = 0; time < 4; ++time) {
    sim.RunUntilIdle();
    EXPECT_EQ(happened, time);
    EXPECT_FALSE(waiting.finished());
    LetHappen(*device);
  }
  sim.RunUntilIdle();

  ASSERT_TRUE(waiting.finished());
  EXPECT_EQ(waiting.BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(happened, 4);
}

TEST_P(AsyncFdKindsTest, FindsWhatHasHappenedBeforeItWasWatched) {
  const std::unique_ptr<Device> device = GetParam().make();
  LetHappen(*device);
  const auto wait = [&device]() -> Task<absl::Status> {
    AsyncFd fd = co_await OrReturn(AsyncFd::Adopt(std::move(device->fd)));
    co_return co_await fd.WaitReadable();
  };
  Simulator sim;

  EXPECT_EQ(sim.Run(wait()), absl::OkStatus());
}

INSTANTIATE_TEST_SUITE_P(All, AsyncFdKindsTest, ::testing::ValuesIn(kDevices),
                         [](const auto& kind) { return kind.param.name; });

// eventfd(2): a counter that is as high as it gets takes no more.
TEST(AsyncFdCounterTest, WaitsUntilItCanBeAddedTo) {
  Counter counter;
  const int number = counter.fd.get();
  EXPECT_EQ(::eventfd_write(number, ~std::uint64_t{0} - 1), 0);
  const auto add = [number]() -> Task<absl::Status> {
    AsyncFd fd = co_await OrReturn(AsyncFd::Borrow(number));
    while (::eventfd_write(number, 1) != 0) {
      co_await OrReturn(fd.WaitWritable());
    }
    co_return absl::OkStatus();
  };
  Simulator sim;
  auto adding = sim.SpawnJoinable(add());
  sim.RunUntilIdle();
  const bool waits = !adding.finished();

  EXPECT_TRUE(ReadAllOf(number));
  sim.RunUntilIdle();

  EXPECT_TRUE(waits);
  ASSERT_TRUE(adding.finished());
  EXPECT_EQ(adding.BlockingJoin(), absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
