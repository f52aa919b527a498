// AcceptQueue: the connections of a listener that nobody has accepted yet.
//
//     a client's connect --> half open --> ready --> Accept
//                            '---- backlog ----'
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TESTING_ACCEPT_QUEUE_H_
#define WEFT_NET_TESTING_ACCEPT_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace weft::net::testing {

class StreamSocket;

class AcceptQueue {
 public:
  using Connection = std::shared_ptr<StreamSocket>;

  explicit AcceptQueue(int backlog)
      : room_(static_cast<std::size_t>(std::max(backlog, 0)) + 1) {}

  // One more than the backlog, as on Linux; what comes then gets no answer.
  bool full() const { return half_open_.size() + ready_.size() >= room_; }
  bool any_ready() const { return !ready_.empty(); }

  void AddHalfOpen(Connection connection) {
    half_open_.push_back(std::move(connection));
  }
  // Nothing where it is not half open.
  void Forget(const Connection& connection) {
    std::erase(half_open_, connection);
  }
  void MakeReady(const Connection& connection) {
    Forget(connection);
    ready_.push_back(connection);
  }

  // Requires: any_ready().
  Connection Take() {
    Connection first = std::move(ready_.front());
    ready_.pop_front();
    return first;
  }

  // All of them, for a listener that goes.
  std::vector<Connection> TakeAll() {
    std::vector<Connection> all = std::exchange(half_open_, {});
    for (; any_ready();) all.push_back(Take());
    return all;
  }

 private:
  const std::size_t room_;
  std::vector<Connection> half_open_;
  std::deque<Connection> ready_;
};

}  // namespace weft::net::testing

#endif  // WEFT_NET_TESTING_ACCEPT_QUEUE_H_
