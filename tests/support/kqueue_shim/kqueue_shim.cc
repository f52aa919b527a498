// kqueue() and kevent(): from a number to its Queue.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/kqueue_shim/kqueue_shim.h"

#include <sys/event.h>
#include <time.h>

#include <cerrno>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "weft/tests/support/kqueue_shim/chance.h"
#include "weft/tests/support/kqueue_shim/queue.h"

namespace weft::kqueue_shim {
namespace {

// All queues of the process. `mutex_` is never held together with a queue's.
class Registry {
 public:
  Chance& chance() { return chance_; }

  void Insert(std::shared_ptr<Queue> queue) {
    std::lock_guard lock(mutex_);
    queues_[queue->number()] = std::move(queue);
  }

  std::shared_ptr<Queue> Find(int number) {
    std::lock_guard lock(mutex_);
    const auto found = queues_.find(number);
    return found == queues_.end() ? nullptr : found->second;
  }

  // The queue dies with the last call that is still in it.
  std::shared_ptr<Queue> Extract(int number) {
    std::lock_guard lock(mutex_);
    auto node = queues_.extract(number);
    return node.empty() ? nullptr : std::move(node.mapped());
  }

  std::vector<std::shared_ptr<Queue>> All() {
    std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Queue>> all;
    for (const auto& [number, queue] : queues_) all.push_back(queue);
    return all;
  }

 private:
  Chance chance_;
  std::mutex mutex_;
  std::map<int, std::shared_ptr<Queue>> queues_;
};

// Never destroyed: descriptors are closed until the very end.
Registry& Queues() {
  static Registry& registry = *new Registry();
  return registry;
}

template <typename Event>
std::span<Event> ToSpan(Event* first, int count) {
  return {first, count > 0 ? static_cast<std::size_t>(count) : 0};
}

}  // namespace

void SetKnobs(const Knobs& knobs) { Queues().chance().Set(knobs); }

void OnClose(int fd) {
  Queues().Extract(fd);
  for (const std::shared_ptr<Queue>& queue : Queues().All()) {
    queue->DropDescriptor(fd);
  }
}

}  // namespace weft::kqueue_shim

extern "C" int kqueue(void) {
  using weft::kqueue_shim::Queue;
  auto queue = std::make_shared<Queue>(weft::kqueue_shim::Queues().chance());
  const int number = queue->number();
  if (number != -1) weft::kqueue_shim::Queues().Insert(std::move(queue));
  return number;
}

extern "C" int kevent(int queue, const struct kevent* changes, int change_count,
                      struct kevent* events, int event_count,
                      const timespec* timeout) {
  const auto found = weft::kqueue_shim::Queues().Find(queue);
  if (found == nullptr) {
    errno = EBADF;
    return -1;
  }
  constexpr long kSecond = 1'000'000'000;
  if (timeout != nullptr && (timeout->tv_sec < 0 || timeout->tv_nsec < 0 ||
                             timeout->tv_nsec >= kSecond)) {
    errno = EINVAL;
    return -1;
  }
  return found->Call(weft::kqueue_shim::ToSpan(changes, change_count),
                     weft::kqueue_shim::ToSpan(events, event_count), timeout);
}
