// The switches that the Linux kernel and its C library offer.
//
// SPDX-License-Identifier: MIT

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <thread>
#include <vector>

#include "weft/bench/switches/switches.h"

namespace weft::bench {
namespace {

using Clock = std::chrono::steady_clock;

// A system call that cannot fail unless the measurement is broken.
int Must(int result) {
  if (result < 0) std::abort();
  return result;
}

// A bell that one thread rings and another one sleeps by.
class EpollBell {
 public:
  EpollBell() {
    epoll_event interest{.events = EPOLLIN | EPOLLET, .data = {}};
    Must(::epoll_ctl(queue_, EPOLL_CTL_ADD, bell_, &interest));
  }
  ~EpollBell() {
    ::close(bell_);
    ::close(queue_);
  }
  void Ring() {
    const std::uint64_t one = 1;
    Must(static_cast<int>(::write(bell_, &one, sizeof(one))));
  }
  void Sleep() {
    epoll_event event;
    while (Must(::epoll_wait(queue_, &event, 1, -1)) == 0) {
    }
  }

 private:
  const int queue_ = Must(::epoll_create1(EPOLL_CLOEXEC));
  const int bell_ = Must(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
};

class FutexBell {
 public:
  void Ring() {
    // release: pairs with the acquire in Sleep.
    word_.store(1, std::memory_order_release);
    ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  void Sleep() {
    // acquire: pairs with the release in Ring.
    while (word_.exchange(0, std::memory_order_acquire) == 0) {
      ::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
    }
  }

 private:
  std::atomic<int> word_{0};
};

template <typename Bell>
Elapsed RingEachOther(std::int64_t count) {
  const std::int64_t rounds = count / 2;
  Bell ping;
  Bell pong;
  std::thread other([&ping, &pong, rounds] {
    for (std::int64_t i = 0; i < rounds; ++i) {
      ping.Sleep();
      pong.Ring();
    }
  });
  const Clock::time_point begin = Clock::now();
  for (std::int64_t i = 0; i < rounds; ++i) {
    ping.Ring();
    pong.Sleep();
  }
  const Elapsed elapsed = Clock::now() - begin;
  other.join();
  return elapsed;
}

// makecontext passes no pointers.
ucontext_t caller_context;
ucontext_t callee_context;

void SwapForEver() {
  for (;;) ::swapcontext(&callee_context, &caller_context);
}

}  // namespace

Elapsed WakeByEpoll(std::int64_t count) {
  return RingEachOther<EpollBell>(count);
}

Elapsed WakeByFutex(std::int64_t count) {
  return RingEachOther<FutexBell>(count);
}

Elapsed SwapContext(std::int64_t count) {
  constexpr std::size_t kStackSize = 64 * 1024;
  std::vector<std::byte> stack(kStackSize);
  Must(::getcontext(&callee_context));
  callee_context.uc_stack.ss_sp = stack.data();
  callee_context.uc_stack.ss_size = stack.size();
  callee_context.uc_link = nullptr;
  ::makecontext(&callee_context, SwapForEver, 0);
  const Clock::time_point begin = Clock::now();
  for (std::int64_t i = 0; i < count / 2; ++i) {
    ::swapcontext(&caller_context, &callee_context);
  }
  return Clock::now() - begin;
}

void AddSystemSwitches(std::vector<Switch>& switches) {
  switches.push_back({"ucontext switch", SwapContext});
  switches.push_back({"epoll wake of a thread", WakeByEpoll});
  switches.push_back({"futex wake of a thread", WakeByFutex});
}

}  // namespace weft::bench
