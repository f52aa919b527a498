// What a server costs on which nothing happens, in real time: ten thousand idle
// connections, some that were reset while nobody waited for them, and a
// listener that finds no descriptor for whoever knocks.
//
// Counted are the calls in which the workers wait: who spins makes a hundred
// thousand of them a second. And the processor's time, of which a busy machine
// gives no more than is asked for. tests/net/idle_connections_test.cc looks at
// each of the three by itself.
//
// SPDX-License-Identifier: MIT

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/descriptor_limit.h"
#include "weft/tests/support/sanitized.h"
#include "weft/tests/support/soak.h"

namespace weft::net {
namespace {

// Whether the processor's time is ours: not under a sanitizer, which may have a
// thread of its own, nor over the emulation of kqueue, for which each wait is a
// look at every descriptor.
#if defined(__linux__) && __has_include(<sys/event.h>)
constexpr bool kTimeIsOurs = false;
#else
constexpr bool kTimeIsOurs = !testing::kSanitized;
#endif

constexpr int kMostIdle = 10'000;
constexpr int kLost = 100;
constexpr int kSpare = 2 * kLost + 100;  // Descriptors.

class CountingSystem : public reactor::System {
 public:
  int event_queue_wait(absl::FunctionRef<int()> call) override {
    ++waits;
    return System::event_queue_wait(call);
  }
  int accept(int fd, sockaddr* address, socklen_t* size) override {
    ++accepts;
    if (!starving) return System::accept(fd, address, size);
    errno = EMFILE;
    return -1;
  }

  std::atomic<bool> starving = false;
  std::atomic<std::int64_t> waits = 0;
  std::atomic<std::int64_t> accepts = 0;
};

Task<absl::Status> ReadForEver(reactor::Fd end, std::atomic<int>& waiting) {
  UnixStream stream = co_await OrReturn(UnixStream::FromFd(std::move(end)));
  ++waiting;
  const auto text = co_await ReadText(stream);
  co_return text.status();
}

// Waits in vain, so that the event queue knows the stream, and then for
// something else.
Task<absl::Status> AcceptAndNotRead(TcpListener& listener, int count,
                                    std::atomic<int>& waiting) {
  std::vector<TcpStream> streams;
  for (int i = 0; i < count; ++i) {
    TcpStream stream = co_await OrReturn(listener.Accept());
    stream.SetReadTimeout(absl::ZeroDuration());
    const auto text = co_await ReadText(stream);
    EXPECT_TRUE(absl::IsDeadlineExceeded(text.status())) << text.status();
    streams.push_back(std::move(stream));
    ++waiting;
  }
  co_return co_await SleepFor(absl::InfiniteDuration());
}

Task<absl::Status> AcceptForEver(TcpListener& listener) {
  for (;;) co_await OrReturn(listener.Accept());
}

Task<absl::StatusOr<TcpListener>> Listen() {
  co_return TcpListener::Bind("127.0.0.1:0");
}

absl::Duration ProcessorTime() {
  rusage usage{};
  EXPECT_EQ(::getrusage(RUSAGE_SELF, &usage), 0);
  return absl::DurationFromTimeval(usage.ru_utime) +
         absl::DurationFromTimeval(usage.ru_stime);
}

class NetIdleTest : public ::testing::TestWithParam<Flavor> {
 protected:
  RuntimeOptions Options() {
    RuntimeOptions options;
    options.flavor = GetParam();
    options.workers = 2;
    options.system = &system_;
    return options;
  }

  // Connections that are read, and on which nothing comes.
  void MakeIdle(Runtime& runtime, int count) {
    for (int i = 0; i < count; ++i) {
      std::array<int, 2> ends{-1, -1};
      ASSERT_EQ(system_.socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
      peers_.emplace_back(ends[1]);
      runtime.Spawn(ReadForEver, reactor::Fd(ends[0]), std::ref(waiting_))
          .Detach();
    }
    Await(count);
  }
  // Connections that are not read, and reset.
  void MakeLost(Runtime& runtime, TcpListener& listener) {
    const int before = waiting_;
    std::vector<std::unique_ptr<PlainPeer>> lost;
    for (int i = 0; i < kLost; ++i) {
      lost.push_back(std::make_unique<PlainPeer>(listener.local_address()));
      ASSERT_TRUE(lost.back()->connected());
    }
    runtime
        .Spawn(AcceptAndNotRead, std::ref(listener), kLost, std::ref(waiting_))
        .Detach();
    Await(before + kLost);
    for (auto& peer : lost) peer->Reset();
  }
  // A connection that cannot be accepted.
  std::unique_ptr<PlainPeer> Starve(Runtime& runtime, TcpListener& listener) {
    system_.starving = true;
    runtime.Spawn(AcceptForEver, std::ref(listener)).Detach();
    return std::make_unique<PlainPeer>(listener.local_address());
  }
  void Await(int count) {
    while (waiting_ < count) std::this_thread::yield();
  }

  const testing::DescriptorLimit limit_{2 * kMostIdle + kSpare};
  CountingSystem system_;
  std::atomic<int> waiting_ = 0;
  std::vector<reactor::Fd> peers_;
};

INSTANTIATE_TEST_SUITE_P(Flavors, NetIdleTest,
                         ::testing::Values(Flavor::kWorkStealing,
                                           Flavor::kPerCore));

TEST_P(NetIdleTest, AServerOnWhichNothingHappensSleeps) {
  constexpr std::chrono::seconds kToSettle{1};
  constexpr std::chrono::seconds kWhile{5};
  const int room = (limit_.get() - kSpare) / 2;
  const int count = static_cast<int>(std::min(
      {std::int64_t{kMostIdle}, std::int64_t{room}, tests::Times(kMostIdle)}));
  absl::StatusOr<TcpListener> listener = absl::UnknownError("not bound yet");
  Runtime runtime(Options());
  listener = runtime.BlockOn(Listen());
  ASSERT_EQ(listener.status(), absl::OkStatus());
  MakeIdle(runtime, count);
  MakeLost(runtime, *listener);
  const std::unique_ptr<PlainPeer> knocking = Starve(runtime, *listener);
  std::this_thread::sleep_for(kToSettle);
  const std::int64_t waits = system_.waits;
  const std::int64_t accepts = system_.accepts;
  const absl::Duration processor = ProcessorTime();

  std::this_thread::sleep_for(kWhile);

  const absl::Duration used = ProcessorTime() - processor;
  // Three looks a second at the listener, and what its timer costs.
  EXPECT_LT(system_.accepts - accepts, 50);
  EXPECT_LT(system_.waits - waits, 500);
  // A hundredth of one core. What the machine does besides makes each of the
  // few calls a little dearer and does not make them more.
  if (kTimeIsOurs) {
    EXPECT_LT(used, absl::FromChrono(kWhile) / 100);
  }
  RecordProperty("waits", static_cast<int>(system_.waits - waits));
  RecordProperty("processor_microseconds",
                 static_cast<int>(absl::ToInt64Microseconds(used)));
}

}  // namespace
}  // namespace weft::net
