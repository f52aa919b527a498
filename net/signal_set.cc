// From the reactor's listener to a channel that holds each signal once.
//
// SPDX-License-Identifier: MIT

#include "weft/net/signal_set.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/signal_mask.h"
#include "weft/reactor/signals.h"
#include "weft/reactor/system.h"
#include "weft/runtime/atomic.h"
#include "weft/runtime/main_reactor.h"
#include "weft/runtime/or_return.h"
#include "weft/sync/channel.h"

namespace weft::net {
namespace {

absl::Status CheckAnnounced(const std::vector<int>& signals) {
  for (int signal : signals) {
    if (!reactor::IsSignal(signal)) {
      return absl::InvalidArgumentError(
          absl::StrCat("watch signal ", signal, ": there is no such signal"));
    }
    if (!reactor::IsSignalBlocked(signal)) {
      return absl::FailedPreconditionError(absl::StrCat(
          "watch signal ", signal, ": name it in RuntimeOptions::signals"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

// Stays where it is, since the reactor has its address.
//
// A signal is in the channel once at most, because it is sent when its flag
// goes up, and the flag goes down when it has been received. So the channel,
// with room for each, is never full.
class SignalSet::Watch final : public reactor::SignalListener {
 public:
  Watch(reactor::Reactor& reactor, std::size_t count)
      : reactor_(reactor), raised_(count), flags_(count) {}
  // Those that came and were not taken are raised again, for a later set: they
  // are blocked, and so they wait in the kernel. When the last one is removed,
  // since else it would come back here.
  ~Watch() {
    for (const Flag& flag : flags_) {
      if (flag.watched) reactor_.RemoveSignal(flag.signal);
    }
    reactor::System& system = reactor_.system();
    while (std::optional<int> signal = raised_.TryReceive()) {
      system.kill(system.getpid(), *signal);
    }
  }

  absl::Status Begin(const std::vector<int>& signals) {
    for (std::size_t i = 0; i < signals.size(); ++i) {
      flags_[i].signal = signals[i];
    }
    for (Flag& flag : flags_) {
      absl::Status status = reactor_.AddSignal(flag.signal, *this);
      if (!status.ok()) return status;
      flag.watched = true;
    }
    return absl::OkStatus();
  }

  sync::Channel<int>& raised() noexcept { return raised_; }

  void Lower(int signal) noexcept {
    // seq_cst, as in OnSignal: a signal that comes from now on is sent again.
    FlagOf(signal).up.store(false, std::memory_order_seq_cst);
  }

 private:
  struct Flag {
    int signal = 0;
    bool watched = false;
    Atomic<bool> up{false};
  };

  void OnSignal(int signal, int) noexcept override {
    // seq_cst, with the one in Lower: of two signals in a row either the second
    // finds the flag down, or whoever took the first has not acted on it yet.
    if (FlagOf(signal).up.exchange(true, std::memory_order_seq_cst)) return;
    raised_.TrySend(signal);
  }

  Flag& FlagOf(int signal) noexcept {
    return *std::ranges::find(flags_, signal, &Flag::signal);
  }

  reactor::Reactor& reactor_;
  sync::Channel<int> raised_;
  std::vector<Flag> flags_;
};

SignalSet::SignalSet(std::unique_ptr<Watch> watch) noexcept
    : watch_(std::move(watch)) {}
SignalSet::SignalSet(SignalSet&&) noexcept = default;
SignalSet& SignalSet::operator=(SignalSet&&) noexcept = default;
SignalSet::~SignalSet() = default;

// With the reactor that has RunMain's as well.
absl::StatusOr<SignalSet> SignalSet::Create(const std::vector<int>& signals) {
  absl::Status usable = CheckAnnounced(signals);
  if (!usable.ok()) return usable;
  auto watch = std::make_unique<Watch>(MainReactor(), signals.size());
  absl::Status begun = watch->Begin(signals);
  if (!begun.ok()) return begun;
  return SignalSet(std::move(watch));
}

Task<absl::StatusOr<int>> SignalSet::Next() {
  int signal = co_await OrReturn(watch_->raised().Receive());
  watch_->Lower(signal);
  co_return signal;
}

}  // namespace weft::net
