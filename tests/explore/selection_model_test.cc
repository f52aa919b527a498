// Selections under every schedule: exactly one arm takes effect, nothing is
// lost on one that does not, and nobody sleeps beside what he waits for.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/runtime/callback_arm.h"
#include "weft/sync/channel.h"
#include "weft/sync/mutex.h"
#include "weft/sync/select.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/plain.h"
#include "weft/tests/explore/task_model.h"

namespace weft::explore {
namespace {

using Chosen = absl::StatusOr<std::size_t>;

// Thread 0 takes a number from either of two channels.
template <int kCapacity>
struct EitherModel : TaskModel {
  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 0) return Take();
    Send(channels[thread - 1], thread);
  }
  void Take() {
    auto arrived = [this](absl::StatusOr<int> value) { Arrived(*value); };
    const Chosen chosen = Await(Select(OnReceive(channels[0], arrived),
                                       OnReceive(channels[1], arrived)));
    Check(chosen.ok() || scope(0).cancelled(), "it ended for a reason");
  }
  void Send(sync::Channel<int>& channel, int value) {
    content[value].Set(value);
    sent += channel.TrySend(value) ? 1 : 0;
  }
  void Arrived(int value) {
    Check(content[value].Get() == value, "it is complete");
    ++received;
  }
  void Finally() override {
    Check(received <= 1, "one arm takes effect");
    for (sync::Channel<int>& channel : channels) {
      while (channel.TryReceive().has_value()) ++received;
    }
    Check(sent == received, "what was sent is received, or there");
  }

  std::array<sync::Channel<int>, 2> channels{sync::Channel<int>(kCapacity),
                                             sync::Channel<int>(kCapacity)};
  std::array<Plain<int>, 3> content;
  int sent = 0;
  int received = 0;
};

struct OneOfTwo : EitherModel<1> {
  void Finally() override {
    Check(received == 1, "it got one");
    EitherModel::Finally();
  }
};

// Both, one after the other, from two who do not go before they have sent.
template <int kCapacity>
struct BothInTurn : EitherModel<kCapacity> {
  void RunTask(int thread) override {
    if (thread == 0) {
      this->Take();
      return this->Take();
    }
    this->content[thread].Set(thread);
    const absl::Status sent = Await(this->channels[thread - 1].Send(thread));
    Check(sent.ok(), "it is sent");
  }
  void Finally() override { Check(this->received == 2, "both are received"); }
};

struct CancelledChoice : EitherModel<1> {
  void RunTask(int thread) override {
    if (thread == 2) return scope(0).Cancel();
    EitherModel::RunTask(thread);
  }
};

// Two that send to each other, in either direction: one of the two happens.
struct MeetingModel : TaskModel {
  int threads() const override { return 2; }
  void RunTask(int thread) override {
    int value = thread;
    content[thread].Set(thread);
    auto arrived = [this](absl::StatusOr<int> got) {
      Check(content[*got].Get() == *got, "it is complete");
      ++received;
    };
    const Chosen chosen =
        Await(Select(OnSend(channels[thread], value, [this] { ++sent; }),
                     OnReceive(channels[1 - thread], arrived)));
    Check(chosen.ok(), "it has met the other");
  }
  void Finally() override {
    Check(sent == 1 && received == 1, "one sends and one receives");
  }

  std::array<sync::Channel<int>, 2> channels{sync::Channel<int>(0),
                                             sync::Channel<int>(0)};
  std::array<Plain<int>, 2> content;
  int sent = 0;
  int received = 0;
};

// A lock that an arm has lost is free, or somebody else's.
struct LockModel : TaskModel {
  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 0) {
      Choose();
    } else if (thread == 1) {
      Lock();
    } else {
      int value = 1;
      channel.TrySend(value);
    }
  }
  void Choose() {
    const Chosen chosen = Await(Select(
        OnLock(mutex, [this](absl::StatusOr<sync::Mutex::Guard>) { Visit(); }),
        OnReceive(channel, [](absl::StatusOr<int>) {})));
    Check(chosen.ok(), "one of them comes");
  }
  void Lock() {
    absl::StatusOr<sync::Mutex::Guard> guard = Await(mutex.Lock());
    Check(guard.ok(), "the lock comes round");
    Visit();
  }
  void Visit() { visits.Set(visits.Get() + 1); }
  void Finally() override { Check(!!mutex.TryLock(), "the lock is free"); }

  sync::Mutex mutex;
  sync::Channel<int> channel{1};
  Plain<int> visits;
};

// What a timer, a task or a descriptor does: it takes the arm out of a word,
// and then calls it.
struct CallbackModel : TaskModel {
  class Called final : public CallbackArm {
   public:
    explicit Called(CallbackModel& model) : model_(model) {}

    bool TryNow() noexcept override { return false; }
    Parking Park() noexcept override {
      ExpectCall();
      alive_.Set(1);
      model_.place.store(this, std::memory_order_release);
      return Parking::kParked;
    }
    void Unpark() noexcept override {
      Called* expected = this;
      if (!model_.place.compare_exchange_strong(expected, nullptr,
                                                std::memory_order_relaxed,
                                                std::memory_order_relaxed)) {
        AwaitCall();
      }
      alive_.Set(0);
    }
    void Deliver() override { ++model_.calls; }

    void Fire() {
      Check(alive_.Get() == 1, "it is there");
      CallbackArm::Called();
    }

   private:
    CallbackModel& model_;
    Plain<int> alive_;
  };

  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 0) {
      const Chosen chosen = Await(Select(
          *arm, OnReceive(channel, [this](absl::StatusOr<int>) { ++calls; })));
      Check(chosen.ok(), "one of them comes");
      arm.reset();
    } else if (thread == 1) {
      Called* const called = place.exchange(nullptr, std::memory_order_acq_rel);
      if (called != nullptr) called->Fire();
    } else {
      int value = 1;
      channel.TrySend(value);
    }
  }
  void Finally() override { Check(calls == 1, "one of them is chosen"); }

  std::optional<Called> arm{*this};
  Atomic<Called*> place{nullptr};
  sync::Channel<int> channel{1};
  int calls = 0;
};

TEST(SelectionModelTest, TakesOneOfTwo) { ExpectHolds<OneOfTwo>(); }

TEST(SelectionModelTest, TakesBothInTurn) { ExpectHolds<BothInTurn<1>>(); }

TEST(SelectionModelTest, TakesBothFromHandToHand) {
  ExpectHolds<BothInTurn<0>>();
}

TEST(SelectionModelTest, EndsByAnArmOrACanceller) {
  ExpectHolds<CancelledChoice>();
}

TEST(SelectionModelTest, TwoThatLookForEachOtherMeet) {
  ExpectHolds<MeetingModel>();
}

TEST(SelectionModelTest, LeavesALockToTheOthers) { ExpectHolds<LockModel>(); }

TEST(SelectionModelTest, OutlivesACallThatComesTooLate) {
  ExpectHolds<CallbackModel>();
}

TEST(SelectionModelTest, FindsAnArmThatIsDroppedWithoutANote) {
  ExpectFound<MeetingModel>(Bug::kADroppedArmLeavesNoNote);
}

TEST(SelectionModelTest, FindsAWakeThatComesBeforeTheOwnerHasParked) {
  ExpectFound<OneOfTwo>(Bug::kAnEarlyWakeIsForgotten);
}

TEST(SelectionModelTest, FindsAnOwnerThatRunsWhileItParks) {
  ExpectFound<BothInTurn<1>>(Bug::kAWakeRunsAnOwnerThatParks);
}

TEST(SelectionModelTest, FindsAnOwnerThatDoesNotCloseTheWord) {
  ExpectFound<OneOfTwo>(Bug::kTheOwnerTriesInTheOpen);
}

TEST(SelectionModelTest, FindsAnOwnerThatDoesNotAwaitALateCall) {
  ExpectFound<CallbackModel>(Bug::kALateCallIsNotAwaited);
}

TEST(SelectionModelTest, FindsAnArmThatGoesWhileItIsDropped) {
  ExpectFound<OneOfTwo, BothInTurn<0>>(Bug::kADroppedArmLeavesWithoutTheLock);
}

TEST(SelectionModelTest, NeedsEveryOrder) {
  ExpectEveryOrderIsNeeded<OneOfTwo, CancelledChoice, MeetingModel, LockModel,
                           CallbackModel>(
      {"runtime/selection.cc", "runtime/callback_arm.h"},
      {{"runtime/selection.cc Suspend: update acq_rel -> acquire",
        "In a model the thread that waits goes on itself; in the library it is "
        "another one that must see what was parked."},
       {"runtime/selection.cc Woken: update acq_rel -> release",
        "As above: it hands the owner on to that thread."}});
}

}  // namespace
}  // namespace weft::explore
