// The worlds of promise_test.cc in which values go from task to task: channels,
// queues, broadcasts, watches.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SYNC_PROMISE_VALUE_WORLDS_H_
#define WEFT_TESTS_SYNC_PROMISE_VALUE_WORLDS_H_

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/yield.h"
#include "weft/sync/broadcast.h"
#include "weft/sync/channel.h"
#include "weft/sync/one_shot.h"
#include "weft/sync/unbounded_channel.h"
#include "weft/sync/watch.h"
#include "weft/tests/sync/promise_world.h"

namespace weft::sync::worlds {

struct OneShotWorld {
  static constexpr int kOthers = 1;
  OneShot<int> ends = MakeOneShot<int>();
  bool received = false;

  Task<absl::Status> Victim() {
    const int value = co_await OrReturn(ends.receiver.Receive());
    received = value == 7;
    co_return absl::OkStatus();
  }
  Task<absl::Status> Other() {
    co_await Yield();
    ends.sender.Send(7);
    co_return absl::OkStatus();
  }
  // What the victim did not get can be received later.
  absl::Status Check() {
    const absl::StatusOr<int> left = ends.receiver.BlockingReceive();
    return Unless(left.ok() != received, "the value is lost, or doubled");
  }
};

// Whatever was sent is received by the victim, by the other, or is still there.
template <std::size_t kCapacity, bool kVictimSends>
struct ChannelWorld {
  static constexpr int kOthers = 1;
  static constexpr int kValues = 4;
  Channel<int> channel{kCapacity};
  std::vector<int> sent;
  std::vector<int> received;

  Task<absl::Status> Send(int first) {
    for (int value = first; value < first + kValues; ++value) {
      const absl::Status status = co_await channel.Send(value);
      co_await OrReturn(status);
      sent.push_back(value);
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Receive() {
    for (int i = 0; i < kValues; ++i) {
      const int value = co_await OrReturn(channel.Receive());
      received.push_back(value);
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Victim() { return kVictimSends ? Send(100) : Receive(); }
  // Sends and receives until the victim's partner part is done: what is left
  // afterwards is taken by Check, and closing ends who still waits.
  Task<absl::Status> Other() {
    JoinHandle<absl::Status> beside =
        kVictimSends ? Spawn(ReceiveRest()) : Spawn(Send(200));
    co_return co_await beside.Join();
  }
  Task<absl::Status> ReceiveRest() {
    for (;;) {
      const absl::StatusOr<int> value = co_await channel.Receive();
      if (!value.ok()) break;
      received.push_back(*value);
    }
    co_return absl::OkStatus();
  }
  void VictimIsOver() { channel.Close(); }
  void Close() { channel.Close(); }
  absl::Status Check() {
    while (std::optional<int> value = channel.TryReceive()) {
      received.push_back(*value);
    }
    const bool in_order = std::is_sorted(received.begin(), received.end());
    std::sort(sent.begin(), sent.end());
    return Unless(
        in_order && received == sent,
        absl::StrCat(sent.size(), " sent, ", received.size(), " received"));
  }
};

struct ReceiveManyWorld : ChannelWorld<2, false> {
  Task<absl::Status> Victim() {
    std::vector<int> values;
    while (received.size() < kValues) {
      const absl::StatusOr<std::size_t> count =
          co_await channel.ReceiveMany(values, 3);
      received.insert(received.end(), values.begin(), values.end());
      values.clear();
      co_await OrReturn(count);
    }
    co_return absl::OkStatus();
  }
};

struct UnboundedWorld {
  static constexpr int kOthers = 1;
  UnboundedChannel<int> channel;
  std::vector<int> sent;
  std::vector<int> received;

  Task<absl::Status> Victim() {
    for (int i = 0; i < 3; ++i) {
      const int value = co_await OrReturn(channel.Receive());
      received.push_back(value);
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Other() {
    for (int i = 0; i < 3; ++i) {
      co_await OrReturn(channel.Send(i));
      sent.push_back(i);
      co_await Yield();
    }
    co_return absl::OkStatus();
  }
  void Close() { channel.Close(); }
  absl::Status Check() {
    while (std::optional<int> value = channel.TryReceive()) {
      received.push_back(*value);
    }
    return Unless(received == sent, "a value is lost");
  }
};

// Whatever was put is got once, by whoever, and then a join ends: no item is
// forgotten, and none that was not put is waited for.
template <typename Items, bool kVictimPuts>
struct QueueWorld {
  static constexpr int kOthers = 1;
  static constexpr int kItems = 3;
  Items queue{1};
  int put = 0;
  int done = 0;

  Task<absl::Status> Victim() {
    if (kVictimPuts) co_return co_await PutAndJoin();
    co_return co_await Work(kItems);
  }
  // Beside one who puts, does all that there is, until it is closed.
  Task<absl::Status> Other() {
    if (kVictimPuts) co_return co_await Work(2 * kItems);
    co_return co_await PutAndJoin();
  }
  Task<absl::Status> PutAndJoin() {
    for (int i = 0; i < kItems; ++i) {
      const absl::Status status = co_await queue.Put(i);
      co_await OrReturn(status);
      ++put;
    }
    co_await OrReturn(queue.Join());
    co_return Unless(queue.unfinished() == 0, "the join came too early");
  }
  Task<absl::Status> Work(int items) {
    for (int i = 0; i < items; ++i) {
      co_await OrReturn(queue.Get());
      co_await Yield();
      queue.TaskDone();
      ++done;
    }
    co_return absl::OkStatus();
  }
  // What it did not do is done in its place; what it did not put is not.
  void VictimIsOver() {
    queue.Close();
    DoRest();
  }
  void DoRest() {
    while (queue.TryGet().has_value()) {
      queue.TaskDone();
      ++done;
    }
  }
  void Close() { queue.Close(); }
  absl::Status Check() {
    DoRest();
    return Unless(put == done && queue.unfinished() == 0,
                  absl::StrCat(put, " put, ", done, " done, ",
                               queue.unfinished(), " unfinished"));
  }
};

// Every value is received, in order, or counted among those that were missed.
struct BroadcastWorld {
  static constexpr int kOthers = 1;
  static constexpr int kValues = 6;
  using Receiver = Broadcast<int>::Receiver;
  struct Side {
    Receiver receiver;
    int next = 0;
    bool in_order = true;

    void Account(const absl::StatusOr<int>& got) {
      if (got.ok()) in_order = in_order && *got == next;
      if (got.ok()) ++next;
      if (absl::IsDataLoss(got.status())) {
        next += static_cast<int>(receiver.missed());
      }
    }
  };
  Broadcast<int> broadcast{2};
  Side victim{broadcast.Subscribe()};
  Side other{broadcast.Subscribe()};
  int sent = 0;

  static Task<absl::Status> Receive(Side& side) {
    while (side.next < kValues) {
      const absl::StatusOr<int> got = co_await side.receiver.Receive();
      side.Account(got);
      if (!got.ok() && !absl::IsDataLoss(got.status())) co_return got.status();
    }
    co_return absl::OkStatus();
  }
  Task<absl::Status> Victim() { return Receive(victim); }
  Task<absl::Status> Other() {
    JoinHandle<absl::Status> beside = Spawn(Receive(other));
    while (sent < kValues) {
      co_await OrReturn(broadcast.Send(sent));
      ++sent;
      if (sent % 4 != 0) co_await Yield();
    }
    co_return co_await beside.Join();
  }
  void Close() { broadcast.Close(); }
  absl::Status Check() {
    broadcast.Close();
    for (Side* const side : {&victim, &other}) {
      std::optional<absl::StatusOr<int>> got;
      do {
        got = side->receiver.TryReceive();
        side->Account(*got);
      } while (!absl::IsOutOfRange(got->status()));
      if (!side->in_order || side->next != sent) {
        return absl::InternalError(
            absl::StrCat(side->next, " accounted for, of ", sent));
      }
    }
    return absl::OkStatus();
  }
};

// Whatever was set last is what was seen last, or can still be seen.
struct WatchWorld {
  static constexpr int kOthers = 1;
  Watch<int> watch{0};
  Watch<int>::Observer observer = watch.Observe();
  int set = 0;
  int seen = -1;

  Task<absl::Status> Victim() {
    for (int i = 0; i < 2; ++i) {
      const int value = co_await OrReturn(observer.Next());
      if (value <= seen) co_return absl::InternalError("it was seen before");
      seen = value;
    }
    auto is_last = [this](int value) {
      seen = value;
      return value == 4;
    };
    const int last = co_await OrReturn(observer.WaitUntil(is_last));
    co_return Unless(last == 4, "it is not what was asked for");
  }
  Task<absl::Status> Other() {
    while (set < 4) {
      co_await OrReturn(watch.Set(set + 1));
      ++set;
      co_await Yield();
    }
    co_return absl::OkStatus();
  }
  void Close() { watch.Close(); }
  absl::Status Check() {
    if (observer.HasNext()) {
      const absl::StatusOr<int> next = observer.BlockingNext();
      if (!next.ok() || *next <= seen) return absl::InternalError("no news");
      seen = *next;
    }
    return Unless(seen == set, absl::StrCat(seen, " seen, ", set, " set"));
  }
};

}  // namespace weft::sync::worlds

#endif  // WEFT_TESTS_SYNC_PROMISE_VALUE_WORLDS_H_
