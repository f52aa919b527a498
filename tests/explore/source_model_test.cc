// The readiness of a descriptor under every schedule: no event is lost, none is
// delivered to a later life, and the number goes back once, when nobody uses
// it.
//
// SPDX-License-Identifier: MIT

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source.h"
#include "weft/reactor/source_pool.h"
#include "weft/reactor/spin_wait.h"
#include "weft/tests/explore/blocking.h"
#include "weft/tests/explore/expectations.h"
#include "weft/tests/explore/plain.h"
#include "weft/tests/explore/runtime_model.h"

namespace weft::explore {
namespace {

using reactor::ArmResult;
using reactor::Direction;
using reactor::Event;
using reactor::Fd;
using reactor::Source;
using reactor::SourceHandle;
using reactor::SourcePool;

// Descriptors that are numbers, and a socket's buffer.
class OneSocket final : public reactor::System {
 public:
  static constexpr int kNumber = 1'000;

  int close(int fd) override {
    Check(calls_ == 0, "the number is given back under a call");
    Check(fd >= kNumber, "it is a number of ours");
    used_.Set(1);
    ++closed;
    return 0;
  }
  // What the kernel holds: it orders nothing for us.
  void Arrive() { waiting_.fetch_add(1, std::memory_order_relaxed); }
  int Read() {
    ++calls_;
    static_cast<void>(used_.Get());
    const int got = waiting_.exchange(0, std::memory_order_relaxed);
    --calls_;
    return got;
  }

  int closed = 0;

 private:
  int calls_ = 0;
  Plain<int> used_;  // The number, by calls; and by its end.
  reactor::Atomic<int> waiting_{0};
};

class Reading final : public reactor::Waiter {
 public:
  void Prepare() { content_.Set(1); }
  void OnReady() noexcept override {
    Check(content_.Get() == 1, "the waiter is complete");
    ready.Give();
  }

  HandOver ready;

 private:
  Plain<int> content_;
};

struct SourceModel : Model {
  // As every operation does. False: it is closed.
  bool Read(int wanted) {
    for (int got = 0;;) {
      if (!source->Pin()) return false;
      source->TakeReady(Direction::kRead);
      got += socket.Read();
      source->Unpin();
      if (got >= wanted) return true;
      reading.Prepare();
      const ArmResult armed = source->Arm(Direction::kRead, reading);
      if (armed == ArmResult::kClosed) {
        static_cast<void>(reason.Get());
        return false;
      }
      if (armed == ArmResult::kWaiting) reading.ready.Take();
    }
  }
  void Arrive() {
    socket.Arrive();
    pool->Deliver(Event{.token = token, .readable = true});
  }
  void Finally() override {
    source = nullptr;
    handle.reset();
    Check(socket.closed == 1, "the number went back once");
    Check(pool->live() == 0, "the slot is free");
  }

  OneSocket socket;
  std::shared_ptr<SourcePool> pool = std::make_shared<SourcePool>();
  SourceHandle handle = pool->Adopt(Fd(OneSocket::kNumber), socket);
  Source* source = handle.get();
  const reactor::Token token = source->token();
  Reading reading;
  Plain<int> reason;  // Why it is closed.
};

struct TwoEvents : SourceModel {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 0) {
      Check(Read(2), "both are read");
    } else {
      Arrive();
      Arrive();
    }
  }
};

struct ClosedUnderway : SourceModel {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread == 0) {
      if (Read(2)) return;
      Check(source->closed() && reason.Get() == 1, "it sees why");
    } else if (thread == 1) {
      Arrive();
    } else {
      reason.Set(1);
      source->Close();
    }
  }
};

// Cancelled by a nudge: before or after it is armed, the operation looks again.
struct Nudged : SourceModel {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 1) {
      cancelled.store(true, std::memory_order_relaxed);
      return source->Nudge(Direction::kRead);
    }
    while (!cancelled.load(std::memory_order_relaxed)) {
      source->TakeReady(Direction::kRead);
      if (cancelled.load(std::memory_order_relaxed)) return;
      reading.Prepare();
      if (source->Arm(Direction::kRead, reading) == ArmResult::kWaiting) {
        reading.ready.Take();
      }
    }
  }

  reactor::Atomic<bool> cancelled{false};
};

// A hang-up that is remembered, and read with the readiness that it came with.
struct HungUp : SourceModel {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 1) {
      why.Set(1);
      pool->Deliver(Event{.token = token, .readable = true, .hang_up = true});
      return;
    }
    source->TakeReady(Direction::kRead);
    if (source->hang_up()) return Check(why.Get() == 1, "it sees why");
    if (source->IsReady(Direction::kRead)) {
      Check(source->hang_up(), "the hang-up came with it");
    }
    reading.Prepare();
    if (source->Arm(Direction::kRead, reading) == ArmResult::kWaiting) {
      reading.ready.Take();
    }
    Check(source->hang_up(), "it came with that, too");
  }

  Plain<int> why;
};

// The slot is used again while an event for its former life is on its way.
struct UsedAgain : SourceModel {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 0) {
      handle.reset();
      handle = pool->Adopt(Fd(OneSocket::kNumber + 1), socket);
      Check(!handle->hang_up(), "it is a new one");
    } else {
      pool->Deliver(Event{.token = token, .readable = true, .hang_up = true});
    }
  }
  void Finally() override {
    Check(!handle->hang_up(), "the event was not for it");
    handle.reset();
    Check(socket.closed == 2, "each number went back once");
    Check(pool->live() == 0, "the slots are free");
  }
};

// An event for the new life of a slot, whose token comes through the kernel: it
// reports nothing to who does not see what came before the registration. (Hold
// relies on that: it may drop an event by an old value.)
struct NewLife : SourceModel {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 0) {
      handle.reset();
      handle = pool->Adopt(Fd(OneSocket::kNumber + 1), socket);
      source = handle.get();
      kernel.store(static_cast<std::uint64_t>(source->token()),
                   std::memory_order_release);
      Check(Read(1), "it is read");
    } else {
      reactor::SpinWait spin;
      std::uint64_t known = 0;
      while ((known = kernel.load(std::memory_order_acquire)) == 0) spin.Once();
      socket.Arrive();
      pool->Deliver(Event{.token = reactor::Token{known}, .readable = true});
    }
  }
  void Finally() override {
    handle.reset();
    Check(socket.closed == 2, "each number went back once");
  }

  reactor::Atomic<std::uint64_t> kernel{0};
};

// It is registered by two operations at once, and closed.
struct RegisteredAndClosed : SourceModel {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread == 2) return source->Close();
    source->Register(*reactor).IgnoreError();
  }

  std::unique_ptr<reactor::Reactor> reactor =
      *reactor::Reactor::Create(socket, *pool);
};

// The descriptor is closed while its reactor goes away.
struct ReactorGoes : SourceModel {
  ReactorGoes() {
    reactor = *reactor::Reactor::Create(socket, *pool);
    source->Register(*reactor).IgnoreError();
  }
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 0) {
      source->Close();
    } else {
      reactor.reset();
    }
  }

  std::unique_ptr<reactor::Reactor> reactor;
};

// It is registered with the first reactor of its own pool, as that goes away.
struct RegisteredAsItGoes : SourceModel {
  int threads() const override { return 2; }
  void Run(int thread) override {
    if (thread == 0) {
      source->Register(*elsewhere).IgnoreError();
    } else {
      reactor.reset();
    }
  }

  std::shared_ptr<SourcePool> other_pool = std::make_shared<SourcePool>();
  std::unique_ptr<reactor::Reactor> elsewhere =
      *reactor::Reactor::Create(socket, *other_pool);
  std::unique_ptr<reactor::Reactor> reactor =
      *reactor::Reactor::Create(socket, *pool);
};

// A reader and a writer register what cannot be polled: both meet the error.
struct Refused : Model {
  int threads() const override { return 2; }
  void Run(int thread) override {
    const Direction direction =
        thread == 0 ? Direction::kRead : Direction::kWrite;
    Reading& waiter = waiters[thread];
    for (;;) {
      handle->TakeReady(direction);
      if (!handle->Register(*reactor).ok()) return;
      waiter.Prepare();
      if (handle->Arm(direction, waiter) == ArmResult::kWaiting) {
        waiter.ready.Take();
      }
    }
  }

  OneSocket socket;
  std::shared_ptr<SourcePool> pool = std::make_shared<SourcePool>();
  std::unique_ptr<reactor::Reactor> reactor =
      *reactor::Reactor::Create(socket, *pool);
  SourceHandle handle = pool->Adopt(Fd(2 * OneSocket::kNumber), socket);
  Reading waiters[2];
};

// Two are inside a call when it is closed: the last gives the number back.
struct TwoOperations : SourceModel {
  int threads() const override { return 3; }
  void Run(int thread) override {
    if (thread == 2) return source->Close();
    if (!source->Pin()) return;
    static_cast<void>(socket.Read());
    source->Unpin();
  }
};

TEST(SourceModelTest, LosesNoEvent) { ExpectHolds<TwoEvents>(); }

TEST(SourceModelTest, EndsWaitsWhenItIsClosed) {
  ExpectHolds<ClosedUnderway>();
}

TEST(SourceModelTest, EndsAWaitThatIsNudged) { ExpectHolds<Nudged>(); }

TEST(SourceModelTest, RemembersAHangUp) { ExpectHolds<HungUp>(); }

TEST(SourceModelTest, KeepsEventsFromALaterLife) { ExpectHolds<UsedAgain>(); }

TEST(SourceModelTest, BringsEventsToTheNewLife) { ExpectHolds<NewLife>(); }

TEST(SourceModelTest, IsRegisteredOnceOrRefused) {
  ExpectHolds<RegisteredAndClosed>();
}

TEST(SourceModelTest, TellsBothWhoRegisterThatItIsRefused) {
  ExpectHolds<Refused>();
}

TEST(SourceModelTest, GivesTheNumberBackAfterTheLastCall) {
  ExpectHolds<TwoOperations>();
}

TEST(SourceModelTest, LetsItsReactorGo) {
  ExpectHolds<ReactorGoes>();
  ExpectHolds<RegisteredAsItGoes>();
}

TEST(SourceModelTest, FindsAnEventThatWakesNobody) {
  ExpectFound<TwoEvents>(Bug::kAnEventStoresReadyWithoutWaking);
}

TEST(SourceModelTest, FindsAnEventForAnEarlierLife) {
  ExpectFound<UsedAgain>(Bug::kHoldIgnoresTheGeneration);
}

TEST(SourceModelTest, FindsACloseThatHoldsNothing) {
  ExpectFound<ClosedUnderway, UsedAgain>(Bug::kCloseTakesNoHold);
}

TEST(SourceModelTest, FindsANumberThatIsKept) {
  ExpectFound<ClosedUnderway>(Bug::kTheLastOperationKeepsTheNumber);
}

constexpr char kThroughTheKernel[] =
    "who has a handle or a token has it from something that orders; here that "
    "is the test's, or the kernel";
constexpr char kNothingPlain[] =
    "the slot holds nothing but atomics for the next life, and their order is "
    "that of execution here; the pool's lock orders the rest";
constexpr char kStateOrders[] =
    "stronger than needed: a registration is an operation, so Unpin and what "
    "retires have ordered the two through state_";
constexpr char kLeftAlone[] =
    "stronger than needed: whoever comes through the kernel reads the word "
    "itself, and idle or closed is left alone";
constexpr char kTidiness[] =
    "stronger than needed: nothing of the reactor's is used";

TEST(SourceModelTest, NeedsEveryOrder) {
  const std::string code = "reactor/source.cc ";
  const std::string header = "reactor/source.h ";
  ExpectEveryOrderIsNeeded<TwoEvents, ClosedUnderway, Nudged, HungUp, UsedAgain,
                           NewLife, RegisteredAndClosed, RegisteredAsItGoes,
                           Refused, TwoOperations, ReactorGoes>(
      {"reactor/source.h", "reactor/source.cc"},
      {
          {code + "Hold: swap acquire -> relaxed", kThroughTheKernel},
          {code + "Open: store release -> relaxed", kThroughTheKernel},
          {code + "Pin: swap acquire -> relaxed", kThroughTheKernel},
          {code + "Release: store release -> relaxed", kNothingPlain},
          {code + "Release: update acq_rel -> acquire", kNothingPlain},
          {code + "Release: update acq_rel -> release", kNothingPlain},
          {code + "Retire: swap acquire -> relaxed", kStateOrders},
          {code + "RegisterFirst: failed swap acquire -> relaxed", kTidiness},
          {header + "is_registered: load acquire -> relaxed", kTidiness},
          {header + "TakeReady: failed swap acquire -> relaxed", kLeftAlone},
          {header + "TakeReady: swap acq_rel -> acquire", kLeftAlone},
      });
}

}  // namespace
}  // namespace weft::explore
