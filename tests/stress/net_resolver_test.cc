// A Resolver on real threads: workers of two runtimes that ask it, the pool's
// threads that answer, one that makes it forget, askers that give up.
//
// SPDX-License-Identifier: MIT

#include <netdb.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/address_lookup.h"
#include "weft/net/resolver.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/udp_socket.h"
#include "weft/reactor/system.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/tests/support/soak.h"

namespace weft::net {
namespace {

constexpr int kHosts = 7;

// Knows every host by the address of this machine, and asks nobody.
class HereIsEverything : public reactor::System {
 public:
  int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                  addrinfo** out) override {
    ++lookups;
    const int now = ++under_way;
    for (int seen = most; seen < now;) most.compare_exchange_weak(seen, now);
    // Long enough for others to come.
    for (int i = 0; i < 20; ++i) std::this_thread::yield();
    const int answer =
        *host == 'x' ? EAI_NONAME
                     : System::getaddrinfo("127.0.0.1", service, hints, out);
    --under_way;
    return answer;
  }

  std::atomic<int> lookups = 0;
  std::atomic<int> under_way = 0;
  std::atomic<int> most = 0;  // At a time.
};

Task<absl::Status> AskOften(Resolver& resolver, int times, int seed) {
  for (int i = 0; i < times; ++i) {
    const int number = (seed + i * 5) % kHosts;
    const std::string host = absl::StrCat(number == 0 ? "x" : "h", number);
    // Some give up at once, some soon; the others must not notice.
    const absl::Duration patience =
        i % 3 == 0 ? absl::Microseconds(i % 50) : absl::InfiniteDuration();
    Addresses addresses =
        co_await WithTimeout(patience, resolver.Resolve(host, 80));
    if (absl::IsDeadlineExceeded(addresses.status())) continue;
    if (number == 0 && absl::IsNotFound(addresses.status())) continue;
    co_await OrReturn(addresses.status());
    if (addresses->front() != Address::Loopback(80)) {
      co_return absl::InternalError(addresses->front().ToString());
    }
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ManyAskers(Resolver& resolver, int times) {
  constexpr int kAskers = 20;
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    for (int i = 0; i < kAskers; ++i) {
      scope.Spawn(AskOften, std::ref(resolver), times, i);
    }
    co_return absl::OkStatus();
  });
}

TEST(ResolverStressTest, AnswersEverybodyWhileOthersGiveUpAndForget) {
  const int times = static_cast<int>(weft::tests::Times(300));
  HereIsEverything system;
  Resolver resolver({.max_entries = 4,
                     .time_to_live = absl::Milliseconds(1),
                     .max_lookups = 2});
  std::atomic<bool> stop = false;
  std::thread forgetting([&] {
    while (!stop) {
      resolver.Forget("h3");
      resolver.Clear();
      std::this_thread::yield();
    }
  });
  // Both live until all is over: the lookups of one serve the other.
  Runtime one({.workers = 2, .system = &system});
  Runtime two({.workers = 2, .system = &system});

  JoinHandle<absl::Status> there = two.Spawn(ManyAskers(resolver, times));
  const absl::Status here = one.BlockOn(ManyAskers(resolver, times));
  const absl::Status ended_there = there.BlockingJoin();
  stop = true;
  forgetting.join();

  EXPECT_EQ(here, absl::OkStatus());
  EXPECT_EQ(ended_there, absl::OkStatus());
  EXPECT_GT(system.lookups.load(), 0);
  EXPECT_LE(system.most.load(), 2);
}

// Answers when it is told to.
class SilentNames : public HereIsEverything {
 public:
  int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                  addrinfo** out) override {
    ++begun;
    may_answer.acquire();
    return HereIsEverything::getaddrinfo(host, service, hints, out);
  }

  std::atomic<int> begun = 0;
  std::counting_semaphore<> may_answer{0};
};

// Each in vain, and given up when the system is being asked.
template <typename T>
Task<absl::Status> GiveUp(SilentNames& system, Task<absl::StatusOr<T>> task) {
  const int before = system.begun;
  JoinHandle<absl::StatusOr<T>> asking = Spawn(std::move(task));
  while (system.begun == before) co_await Yield();
  asking.Cancel();
  const absl::StatusOr<T> got = co_await asking.Join();
  EXPECT_TRUE(absl::IsCancelled(got.status())) << got.status();
  co_return absl::OkStatus();
}

// Fewer than the pool has threads: each keeps one.
constexpr int kGivenUp = 10;

Task<absl::Status> GiveUpOften(SilentNames& system) {
  for (int i = 0; i < kGivenUp; ++i) {
    co_await OrReturn(GiveUp(system, TcpStream::Connect("example.org:80")));
    co_await OrReturn(GiveUp(system, UdpSocket::Dial("example.org:53")));
  }
  co_return absl::OkStatus();
}

// Without a resolver. What is answered then was not before.
TEST(ResolverStressTest, ALookupThatIsNotAnsweredHoldsUpNobody) {
  SilentNames system;
  Runtime runtime({.workers = 2, .system = &system});

  EXPECT_EQ(runtime.BlockOn(GiveUpOften(system)), absl::OkStatus());

  EXPECT_EQ(system.begun, 2 * kGivenUp);
  system.may_answer.release(2 * kGivenUp);
}

// A runtime that ends takes its lookups with it, but not the askers of others.
TEST(ResolverStressTest, AnswersARuntimeThatOutlivesTheOneThatAsked) {
  const std::int64_t times = weft::tests::Times(50);
  HereIsEverything system;
  Resolver resolver({.max_entries = 0});
  Runtime runtime({.workers = 2, .system = &system});

  for (std::int64_t i = 0; i < times; ++i) {
    auto asking = runtime.Spawn(AskOften, std::ref(resolver), 20, 1);
    {
      Runtime brief({.workers = 1, .system = &system});
      brief.Spawn(AskOften, std::ref(resolver), 20, 1).Detach();
    }
    EXPECT_EQ(asking.BlockingJoin(), absl::OkStatus());
  }
}

// Keeps whoever asks until it is opened.
class Gate : public reactor::System {
 public:
  int getaddrinfo(const char*, const char* service, const addrinfo* hints,
                  addrinfo** out) override {
    ++lookups;
    begun.release();
    open.acquire();
    return System::getaddrinfo("127.0.0.1", service, hints, out);
  }

  std::atomic<int> lookups = 0;
  std::counting_semaphore<> begun{0};
  std::counting_semaphore<> open{0};
};

TEST(ResolverTest, FinishesALookupThatHasBegunAndRemembersIt) {
  Gate system;
  RuntimeOptions options;
  options.system = &system;
  Runtime runtime(options);
  Resolver resolver;

  auto asker = runtime.Spawn(resolver.Resolve("host.example", 80));
  system.begun.acquire();
  asker.Cancel();
  EXPECT_TRUE(absl::IsCancelled(asker.BlockingJoin().status()));
  system.open.release();

  EXPECT_TRUE(runtime.BlockOn(resolver.Resolve("host.example", 80)).ok());
  EXPECT_EQ(system.lookups, 1);
}

// Names whose servers do not answer, and a turn that is taken.
TEST(ResolverTest, KeepsNobodyWaitingForThoseWhoHaveGone) {
  constexpr int kGone = 100;
  Gate system;
  RuntimeOptions options;
  options.system = &system;
  Runtime runtime(options);
  ResolverOptions one_at_a_time;
  one_at_a_time.max_lookups = 1;
  Resolver resolver(one_at_a_time);
  auto first = runtime.Spawn(resolver.Resolve("first.example", 80));
  system.begun.acquire();
  for (int i = 0; i < kGone; ++i) {
    auto gone =
        runtime.Spawn(resolver.Resolve(absl::StrCat(i, ".example"), 80));
    while (resolver.counters().lookups < static_cast<std::uint64_t>(i) + 2) {
      std::this_thread::yield();
    }
    gone.Cancel();
    EXPECT_TRUE(absl::IsCancelled(gone.BlockingJoin().status()));
  }

  auto good = runtime.Spawn(resolver.Resolve("good.example", 80));
  system.open.release(2);

  EXPECT_TRUE(good.BlockingJoin().ok());
  EXPECT_TRUE(first.BlockingJoin().ok());
  EXPECT_EQ(system.lookups, 2);
}

// The task that asks for him is cancelled with all others; he is not.
TEST(LookUpAddressTest, OfWhoIsInAShieldGoesOnWhileTheRuntimeEnds) {
  HereIsEverything system;
  std::atomic<bool> begun = false;
  std::optional<Addresses> answer;
  auto work = [&]() -> Task<> {
    begun = true;
    static_cast<void>(co_await SleepFor(absl::InfiniteDuration()));
    answer = co_await Shield(LookUpAddress("h1:80", nullptr, Transport::kTcp));
  };

  {
    RuntimeOptions options;
    options.system = &system;
    Runtime runtime(options);
    runtime.Spawn(work()).Detach();
    while (!begun) std::this_thread::yield();
  }

  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status(), absl::OkStatus());
}

}  // namespace
}  // namespace weft::net
