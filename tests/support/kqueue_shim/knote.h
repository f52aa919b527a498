// One registration in a kqueue, the shim's as the kernel's: what is watched,
// how it is delivered, and whether there is something to deliver.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_KQUEUE_SHIM_KNOTE_H_
#define WEFT_TESTS_SUPPORT_KQUEUE_SHIM_KNOTE_H_

#include <sys/event.h>

#include <compare>
#include <cstdint>
#include <optional>

#include "weft/tests/support/kqueue_shim/vnode_watch.h"

namespace weft::kqueue_shim {

using KernelEvent = struct kevent;

// What makes two changes speak of the same knote.
struct KnoteKey {
  std::int16_t filter = 0;
  std::uintptr_t ident = 0;

  auto operator<=>(const KnoteKey&) const = default;
};

// Threads: none of its own; the queue's lock guards it.
class Knote {
 public:
  Knote(KnoteKey key, const KernelEvent& change);
  Knote(Knote&&) = delete;
  ~Knote();

  // What EV_ADD does, for the first time and again. An errno, or 0.
  int Update(const KernelEvent& change);

  // NOTE_TRIGGER and the flag arithmetic of EVFILT_USER.
  void Trigger(std::uint32_t fflags);

  // Reads the descriptor of a timer, a signal or a file's changes, and thus
  // makes it silent; looks at that of a process.
  void Collect();

  void Activate() { active_ = true; }
  void Enable(bool tests_again);
  void Disable() { enabled_ = false; }
  [[nodiscard]] bool IsCandidate() const { return active_ && enabled_; }
  [[nodiscard]] bool IsEnabled() const { return enabled_; }

  // The event to deliver, if what made the knote active is still so.
  std::optional<KernelEvent> Evaluate();
  // An event although nothing happened.
  [[nodiscard]] KernelEvent Spurious() const;
  // After delivery. False when it was EV_ONESHOT and must go.
  bool AfterDelivery();

  [[nodiscard]] bool WatchesDescriptor() const;
  [[nodiscard]] bool WatchesFile() const { return is_file_; }
  void SetWatchesFile() { is_file_ = true; }
  // The timerfd, signalfd, pidfd or inotify; -1 for other filters.
  [[nodiscard]] int source() const { return source_; }
  [[nodiscard]] void* udata() const { return udata_; }

 private:
  int ArmTimer(const KernelEvent& change);
  int WatchSignal();
  int WatchProcess();
  int WatchVnode();
  void CollectNotes();
  void ReplaceSource(int source);
  [[nodiscard]] KernelEvent Describe() const;
  std::optional<KernelEvent> EvaluateDescriptor();

  const KnoteKey key_;
  std::uint16_t flags_ = 0;   // The ways of delivery it was added with.
  std::uint32_t fflags_ = 0;  // As added; for EVFILT_USER its own flags.
  std::intptr_t data_ = 0;    // As added.
  void* udata_ = nullptr;
  std::intptr_t count_ = 0;  // Expirations, or signals, not yet delivered.
  std::uint32_t notes_ = 0;  // What happened to a file, not yet delivered.
  int source_ = -1;          // Owned.
  VnodeWatch vnode_;         // Reads `source_`.
  bool enabled_ = true;
  bool active_ = false;           // Something happened since the last delivery.
  bool was_unconnected_ = false;  // Had no connection so far.
  bool is_file_ = false;          // epoll knows nothing of it: always look.
};

}  // namespace weft::kqueue_shim

#endif  // WEFT_TESTS_SUPPORT_KQUEUE_SHIM_KNOTE_H_
