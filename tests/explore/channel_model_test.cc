// The channel under every schedule: each value arrives once or comes back, in
// order, and nobody waits for what is there.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <optional>

#include "gtest/gtest.h"
#include "weft/sync/channel.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/plain.h"
#include "weft/tests/explore/task_model.h"

namespace weft::explore {
namespace {

template <int kCapacity>
struct ChannelModel : TaskModel {
  bool Send(int value) {
    content[value].Set(value);
    const absl::Status status = Await(channel.Send(value));
    if (status.ok()) ++sent;
    return status.ok();
  }
  void Receive() {
    const absl::StatusOr<int> value = Await(channel.Receive());
    if (value.ok()) Arrived(*value);
  }
  void TryReceive() {
    if (const std::optional<int> value = channel.TryReceive()) Arrived(*value);
  }
  void Arrived(int value) {
    Check(content[value].Get() == value, "it is complete");
    Check(value > last, "values of one sender come in order");
    last = value;
    ++received;
  }
  void Finally() override {
    while (const std::optional<int> value = channel.TryReceive()) ++received;
    Check(sent == received, "what was sent arrives once");
  }

  sync::Channel<int> channel{kCapacity};
  std::array<Plain<int>, 4> content;
  int last = 0;
  int sent = 0;
  int received = 0;
};

template <int kCapacity>
struct OneToOne : ChannelModel<kCapacity> {
  int threads() const override { return 2; }
  void RunTask(int thread) override {
    for (int i = 1; i <= 2; ++i) thread == 0 ? void(this->Send(i)) : Receive();
  }
  void Receive() { ChannelModel<kCapacity>::Receive(); }
};

template <int kCapacity>
struct ClosedUnderway : ChannelModel<kCapacity> {
  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 0) {
      this->Send(1);
    } else if (thread == 1) {
      this->Receive();
      this->Receive();
    } else {
      this->channel.Close();
    }
  }
};

// A sender that is cancelled has sent, or has not.
struct CancelledSend : ChannelModel<0> {
  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 0) {
      Send(1);
    } else if (thread == 1) {
      TryReceive();
      scope(0).Cancel();
    } else {
      TryReceive();
    }
  }
};

// A receiver that is cancelled has received, or has not.
struct CancelledReceive : ChannelModel<1> {
  int threads() const override { return 3; }
  void RunTask(int thread) override {
    if (thread == 0) {
      Receive();
    } else if (thread == 1) {
      Send(1);
    } else {
      scope(0).Cancel();
    }
  }
};

// All four at once: jbaldwin/libcoro#402 was a drain that waited for ever.
template <int kCapacity>
struct ClosedAndCancelled : ChannelModel<kCapacity> {
  int threads() const override { return 4; }
  void RunTask(int thread) override {
    if (thread == 0) {
      this->Send(1);
    } else if (thread == 1) {
      this->Receive();
    } else if (thread == 2) {
      this->channel.Close();
    } else {
      this->scope(0).Cancel();
      this->scope(1).Cancel();
    }
  }
};

TEST(ChannelModelTest, BringsEachValueThroughAQueueOfOne) {
  ExpectHolds<OneToOne<1>>();
}

TEST(ChannelModelTest, BringsEachValueFromHandToHand) {
  ExpectHolds<OneToOne<0>>();
}

TEST(ChannelModelTest, EndsEveryWaitWhenItIsClosed) {
  ExpectHolds<ClosedUnderway<0>>();
  ExpectHolds<ClosedUnderway<1>>();
}

TEST(ChannelModelTest, EndsEveryWaitWhenItIsClosedAndTheyAreCancelled) {
  ExpectHolds<ClosedAndCancelled<0>>();
  ExpectHolds<ClosedAndCancelled<1>>();
}

TEST(ChannelModelTest, LosesNoValueToACancelledSender) {
  ExpectHolds<CancelledSend>();
}

TEST(ChannelModelTest, LosesNoValueToACancelledReceiver) {
  ExpectHolds<CancelledReceive>();
}

TEST(ChannelModelTest, FindsACloseThatWakesNobody) {
  ExpectFound<ClosedUnderway<0>>(Bug::kCloseWakesNobody);
}

TEST(ChannelModelTest, FindsASenderThatIsLeftAsleep) {
  ExpectFound<OneToOne<1>>(Bug::kAReceiverLeavesTheSenderAsleep);
}

TEST(ChannelModelTest, FindsACancellationAfterTheGrant) {
  ExpectFound<CancelledReceive, CancelledSend>(
      Bug::kCancelUnlinksWhoWasGranted);
}

}  // namespace
}  // namespace weft::explore
