// Starting, waiting and ending.
//
// SPDX-License-Identifier: MIT

#include "weft/net/process.h"

#include <signal.h>

#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/str_cat.h"
#include "weft/net/process_start.h"
#include "weft/reactor/child_exits.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/sync/event.h"

namespace weft::net {

// What the reactor reaps, and who waits for that.
class ProcessEnd final : public reactor::Child {
 public:
  using reactor::Child::Child;

  sync::Event ended;

 private:
  void OnEnded() noexcept override { ended.Set(); }
};

namespace {

using ::weft::reactor::Reach;
using ::weft::reactor::Reactor;

struct Watched {
  std::shared_ptr<ProcessEnd> end;
  StartedProcess started;
};

// A child that there is no memory to watch: ended here, and waited for.
void EndUnwatched(ProcessEnd& end) {
  end.Signal(SIGKILL).IgnoreError();  // It has ended by itself.
  end.ReapAtTheEnd();
}

// On a thread of the pool. In one piece: no child is ever without somebody who
// reaps it.
absl::StatusOr<Watched> StartWatched(Reactor& reactor, ProcessOptions options) {
  const Reach reach = options.new_group || options.new_session
                          ? Reach::kGroup
                          : Reach::kProcess;
  absl::StatusOr<StartedProcess> started =
      StartProcess(reactor.system(), std::move(options));
  if (!started.ok()) return std::move(started).status();
  std::shared_ptr<ProcessEnd> end;
  try {
    end =
        std::make_shared<ProcessEnd>(started->number, reach, reactor.system());
    reactor.children().Watch(end);
  } catch (const std::bad_alloc&) {
    ProcessEnd unwatched(started->number, reach, reactor.system());
    EndUnwatched(end == nullptr ? unwatched : *end);
    throw;
  }
  return Watched{std::move(end), *std::move(started)};
}

// Of one that has ended.
absl::StatusOr<ExitStatus> StatusOf(const ProcessEnd& end) {
  const absl::StatusOr<int> status = *end.wait_status();
  if (!status.ok()) return status.status();
  return ExitStatus(*status);
}

// Whether it goes on, and has not heard of the signal. NOT_FOUND: it has ended
// by itself.
bool IsRefused(const absl::Status& signalled) {
  return !signalled.ok() && !absl::IsNotFound(signalled);
}

template <typename End>
void AdoptEnd(reactor::Fd end, pid_t number, const char* stream,
              std::optional<End>& as) {
  if (end.empty()) return;
  as.emplace(End::Adopt(std::move(end), absl::StrCat(stream, " of ", number)));
}

template <typename End>
End Take(std::optional<End>& end) {
  ABSL_RAW_CHECK(end.has_value(),
                 "there is no such pipe: set that stream to Redirect::Pipe() "
                 "in the ProcessOptions, and take it once");
  End taken = *std::move(end);
  end.reset();
  return taken;
}

}  // namespace

Process::Process(std::shared_ptr<ProcessEnd> end, OnDrop on_drop) noexcept
    : end_(std::move(end)), on_drop_(on_drop) {}

// It is whole by the first line: what throws in here drops it.
Process::Process(std::shared_ptr<ProcessEnd> end, OnDrop on_drop,
                 StartedProcess started)
    : Process(std::move(end), on_drop) {
  AdoptEnd(std::move(started.standard_input), started.number, "stdin",
           standard_input_);
  AdoptEnd(std::move(started.standard_output), started.number, "stdout",
           standard_output_);
  AdoptEnd(std::move(started.standard_error), started.number, "stderr",
           standard_error_);
}

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  Drop();
  end_ = std::move(other.end_);
  on_drop_ = other.on_drop_;
  standard_input_ = std::move(other.standard_input_);
  standard_output_ = std::move(other.standard_output_);
  standard_error_ = std::move(other.standard_error_);
  return *this;
}

Process::~Process() { Drop(); }

void Process::Drop() noexcept {
  if (end_ == nullptr || on_drop_ == OnDrop::kLeave) return;
  // NOT_FOUND: it has ended, which is what was wanted. PERMISSION_DENIED: it
  // runs on, and is reaped when it ends.
  try {
    end_->Signal(SIGKILL).IgnoreError();
  } catch (const std::bad_alloc&) {
    // There is no memory to say which of these it is.
  }
}

Task<absl::StatusOr<Process>> Process::Spawn(ProcessOptions options) {
  const OnDrop on_drop = options.on_drop;
  Reactor& reactor = CurrentReactor();
  auto start = [&reactor, &options] {
    return StartWatched(reactor, std::move(options));
  };
  absl::StatusOr<Watched> watched = co_await Blocking(start);
  if (!watched.ok()) co_return std::move(watched).status();
  co_return Process(std::move(watched->end), on_drop,
                    std::move(watched->started));
}

pid_t Process::pid() const noexcept { return end_->process(); }

std::optional<absl::StatusOr<ExitStatus>> Process::TryWait() const {
  if (!has_ended()) return std::nullopt;
  return StatusOf(*end_);
}

bool Process::has_ended() const noexcept { return end_->ended.is_set(); }

// None of the two borrows the handle: the end is shared.
Task<absl::StatusOr<ExitStatus>> Process::Wait() const { return WaitFor(end_); }

Task<absl::StatusOr<ExitStatus>> Process::Stop(absl::Duration grace) {
  return StopWithin(end_, grace);
}

Task<absl::StatusOr<ExitStatus>> Process::WaitFor(
    std::shared_ptr<ProcessEnd> end) {
  co_await OrReturn(end->ended.Wait());
  co_return StatusOf(*end);
}

// Who could not be asked is given no time to comply.
Task<absl::StatusOr<ExitStatus>> Process::StopWithin(
    std::shared_ptr<ProcessEnd> end, absl::Duration grace) {
  const absl::Status asked = end->Signal(SIGTERM);
  if (!IsRefused(asked)) {
    absl::StatusOr<ExitStatus> ended =
        co_await WithTimeout(grace, WaitFor(end));
    if (!absl::IsDeadlineExceeded(ended.status())) co_return ended;
  }
  absl::Status killed = end->Signal(SIGKILL);
  if (IsRefused(killed)) co_return killed;
  co_return co_await WaitFor(end);
}

absl::Status Process::Signal(int signal) { return end_->Signal(signal); }

absl::Status Process::Kill() { return Signal(SIGKILL); }

PipeWriter Process::TakeStdin() { return Take(standard_input_); }

PipeReader Process::TakeStdout() { return Take(standard_output_); }

PipeReader Process::TakeStderr() { return Take(standard_error_); }

}  // namespace weft::net
