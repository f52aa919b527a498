// Tests that datagrams go by any form of address: here by the paths of Unix
// sockets, of which a send really waits, for its receiver.
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/datagram.h"
#include "weft/net/datagram_attempts.h"
#include "weft/net/timed_io.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source.h"
#include "weft/reactor/source_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using reactor::Direction;
using reactor::Fd;
using reactor::SourceHandle;

// A path, or none.
class Path {
 public:
  class SystemForm {
   public:
    sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&space_); }
    socklen_t size() const noexcept { return size_; }
    socklen_t* size_to_fill() noexcept { return &size_; }

   private:
    friend class Path;  // Its enclosing class.

    sockaddr_un space_{};
    socklen_t size_ = sizeof(space_);
  };

  Path() = default;
  explicit Path(std::string path) : path_(std::move(path)) {}

  SystemForm ToSystem() const {
    SystemForm form;
    form.space_.sun_family = AF_UNIX;
    std::strncpy(form.space_.sun_path, path_.c_str(),
                 sizeof(form.space_.sun_path) - 1);
    return form;
  }
  static absl::StatusOr<Path> FromSystem(const SystemForm& form) {
    if (form.size_ <= offsetof(sockaddr_un, sun_path)) return Path();
    return Path(form.space_.sun_path);
  }
  std::string ToString() const { return path_; }

  friend bool operator==(const Path&, const Path&) = default;

 private:
  std::string path_;
};

static_assert(SocketAddress<Path>);

const Path kNowhere;

// What a socket of them would have for members.
struct PathSocket {
  SourceHandle source;

  TimedIo<ReceiveFromAttempt<Path>> ReceiveFrom(std::span<std::byte> into) {
    return TimedIo<ReceiveFromAttempt<Path>>(
        *source, Direction::kRead, FirstTry::kAtOnce, absl::InfiniteDuration(),
        ReceiveFromAttempt<Path>(*source, kNowhere, into, Taking::kTake,
                                 Coalescing::kOff));
  }
  TimedIo<SendAttempt<Path>> Send(std::span<const std::byte> bytes,
                                  std::optional<Path> to = std::nullopt) {
    return TimedIo<SendAttempt<Path>>(
        *source, Direction::kWrite, FirstTry::kAtOnce, absl::InfiniteDuration(),
        SendAttempt<Path>(*source, kNowhere, {.bytes = bytes, .to = to}));
  }
  TimedIo<SendBatchAttempt<Path>> SendBatch(
      std::span<const OutgoingTo<Path>> batch) {
    return TimedIo<SendBatchAttempt<Path>>(
        *source, Direction::kWrite, FirstTry::kAtOnce, absl::InfiniteDuration(),
        SendBatchAttempt<Path>(*source, kNowhere, batch));
  }
};

PathSocket Adopted(int fd) {
  reactor::System& system = CurrentReactor().system();
  return {CurrentReactor().sources().Adopt(Fd(fd, system), system)};
}

PathSocket BoundTo(const Path& path) {
  reactor::System& system = CurrentReactor().system();
  const int fd = system.socket(AF_UNIX, SOCK_DGRAM, 0);
  Path::SystemForm form = path.ToSystem();
  EXPECT_EQ(system.bind(fd, form.get(), form.size()), 0);
  return Adopted(fd);
}

TEST(DatagramFormTest, SaysFromWhichPathADatagramCame) {
  const testing::TemporaryDirectory directory;
  const Path one(directory / "one");
  const Path two(directory / "two");

  const absl::Status status = Simulate(
      {},
      [](const Path& from, const Path& to) -> Task<absl::Status> {
        PathSocket sender = BoundTo(from);
        PathSocket receiver = BoundTo(to);
        std::array<std::byte, 64> buffer;
        co_await OrReturn(sender.Send(Bytes("hello"), to));
        const ReceivedFrom<Path> got =
            co_await OrReturn(receiver.ReceiveFrom(buffer));
        EXPECT_EQ(Text(std::span(buffer).first(got.size)), "hello");
        EXPECT_EQ(got.from, from);
        co_return co_await sender.Send(Bytes("x"), Path(to.ToString() + "x"));
      },
      one, two);

  EXPECT_EQ(std::string(status.message()),
            "send(\"" + two.ToString() + "x\"): No such file or directory");
}

// Counts the sends that would block.
class CountingSystem : public testing::SimulatedSystem {
 public:
  ssize_t sendmsg(int fd, const msghdr* message, int flags) override {
    const ssize_t result = SimulatedSystem::sendmsg(fd, message, flags);
    if (result < 0) ++refused;
    return result;
  }
  int sendmmsg(int fd, reactor::CountedMessage* messages, unsigned int count,
               int flags) override {
    const int result = SimulatedSystem::sendmmsg(fd, messages, count, flags);
    if (result < 0) ++refused;
    return result;
  }

  int refused = 0;
};

constexpr std::size_t kMany = 1000;

Task<absl::Status> SendMany(PathSocket& socket, bool batches) {
  std::vector<std::byte> numbers(kMany);
  std::vector<OutgoingTo<Path>> datagrams(kMany);
  for (std::size_t i = 0; i < kMany; ++i) {
    numbers[i] = static_cast<std::byte>(i % 251);
    datagrams[i].bytes = std::span(numbers).subspan(i, 1);
  }
  std::span<const OutgoingTo<Path>> rest(datagrams);
  while (!rest.empty()) {
    std::size_t sent = 1;
    if (batches) {
      sent = co_await OrReturn(socket.SendBatch(rest));
    } else {
      co_await OrReturn(socket.Send(rest.front().bytes));
    }
    rest = rest.subspan(sent);
  }
  co_return absl::OkStatus();
}

Task<absl::Status> MoveMany(bool batches) {
  std::array<int, 2> ends{};
  EXPECT_EQ(
      CurrentReactor().system().socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()),
      0);
  PathSocket from = Adopted(ends[0]);
  PathSocket to = Adopted(ends[1]);
  JoinHandle<absl::Status> sender = Spawn(SendMany, std::ref(from), batches);
  std::array<std::byte, 1> number;
  for (std::size_t i = 0; i < kMany; ++i) {
    const ReceivedFrom<Path> got = co_await OrReturn(to.ReceiveFrom(number));
    EXPECT_EQ(got.size, 1u);
    EXPECT_EQ(got.from, kNowhere);
    EXPECT_EQ(number[0], static_cast<std::byte>(i % 251));
  }
  co_return co_await sender.Join();
}

class DatagramBackPressureTest : public ::testing::TestWithParam<bool> {};

TEST_P(DatagramBackPressureTest, MakesASendWaitForItsReceiver) {
  CountingSystem system;

  const absl::Status status =
      Simulate({.system = &system}, MoveMany, GetParam());

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_GT(system.refused, 0);
}

INSTANTIATE_TEST_SUITE_P(All, DatagramBackPressureTest, ::testing::Bool(),
                         [](const auto& batches) {
                           return batches.param ? "InBatches" : "OneByOne";
                         });

}  // namespace
}  // namespace weft::net
