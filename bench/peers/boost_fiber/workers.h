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

// Two threads that steal fibers from each other.
//
// There is one pair in a process, since Boost.Fiber counts the threads that
// steal only once. They look for fibers without pause: told to sleep when there
// are none, a thread is not woken when the other has some to spare, and there
// might as well be one. So between batches they sleep as threads do; one that
// still looked when the process ends would find what is gone.
class Pair {
 public:
  static Pair& Get() {
    static Pair* const pair = new Pair;
    return *pair;
  }

  // Runs it on one of the two, from where the other steals.
  void Run(std::function<void()> batch) {
    batch_ = std::move(batch);
    begin_first_.release();
    begin_second_.release();
    first_slept_.acquire();
    second_slept_.acquire();
  }

 private:
  Pair() {
    std::thread([this] {
      Steal();
      for (;;) {
        begin_first_.acquire();
        batch_();
        over_.wait();
        first_slept_.release();
      }
    }).detach();
    std::thread([this] {
      Steal();
      for (;;) {
        begin_second_.acquire();
        over_.wait();  // And steals meanwhile.
        second_slept_.release();
      }
    }).detach();
  }

  static void Steal() {
    constexpr bool kSleepWhenIdle = false;
    boost::fibers::use_scheduling_algorithm<boost::fibers::algo::work_stealing>(
        2, kSleepWhenIdle);
  }

  std::function<void()> batch_;
  std::binary_semaphore begin_first_{0};
  std::binary_semaphore begin_second_{0};
  std::binary_semaphore first_slept_{0};
  std::binary_semaphore second_slept_{0};
  boost::fibers::barrier over_{2};
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
