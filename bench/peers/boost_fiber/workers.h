// The threads that run fibers: one takes turns, two steal from each other.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_PEERS_BOOST_FIBER_WORKERS_H_
#define WEFT_BENCH_PEERS_BOOST_FIBER_WORKERS_H_

#include <boost/fiber/all.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

namespace weft::bench {

// Bytes of a stack: what a task needs that calls next to nothing, and what is
// enough to compute on. The default would map and unmap 128 KiB for each fiber.
inline constexpr std::size_t kSmallStack = 16 * 1024;
inline constexpr std::size_t kLargeStack = 64 * 1024;

// A fiber that runs beside its maker.
template <typename Body>
boost::fibers::fiber Spawn(
    Body body, boost::fibers::launch how = boost::fibers::launch::post,
    std::size_t stack = kSmallStack) {
  return boost::fibers::fiber(how, std::allocator_arg,
                              boost::fibers::fixedsize_stack(stack),
                              std::move(body));
}

inline void JoinAll(std::vector<boost::fibers::fiber>& fibers) {
  for (boost::fibers::fiber& fiber : fibers) fiber.join();
}

// Two threads that steal fibers from each other. There is one pair in a
// process, since Boost.Fiber counts the threads that steal only once; and it
// stays until the process ends, since one that ended first is stolen from.
class Pair {
 public:
  static Pair& Get() {
    static Pair* const pair = new Pair;
    return *pair;
  }

  // Runs it on one of the two, from where the other steals.
  void Run(std::function<void()> batch) {
    batches_.push(std::move(batch));
    done_.acquire();
  }

 private:
  Pair() = default;

  static void Steal() {
    constexpr bool kSleepWhenIdle = true;
    boost::fibers::use_scheduling_algorithm<boost::fibers::algo::work_stealing>(
        2, kSleepWhenIdle);
  }

  boost::fibers::buffered_channel<std::function<void()>> batches_{2};
  boost::fibers::buffered_channel<bool> never_{2};
  std::binary_semaphore done_{0};
  std::jthread first_{[this] {
    Steal();
    for (const std::function<void()>& batch : batches_) {
      batch();
      done_.release();
    }
  }};
  std::jthread second_{[this] {
    Steal();
    bool nothing = false;
    never_.pop(nothing);
  }};
};

// One worker is the thread that calls: what schedules its fibers is what a
// thread has if it does not ask for anything else.
template <typename Batch>
void RunOn(std::int64_t workers, Batch batch) {
  if (workers == 1) {
    batch();
  } else {
    Pair::Get().Run(batch);
  }
}

}  // namespace weft::bench

#endif  // WEFT_BENCH_PEERS_BOOST_FIBER_WORKERS_H_
