// Counting the calls, and the news that come after some of them.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/faulting_system.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "weft/reactor/source.h"

namespace weft::tests {
namespace {

using ::weft::reactor::Instant;
using Kernel = ::weft::testing::SimulatedSystem;

}  // namespace

std::string ToString(const Fault& fault) {
  std::string text =
      absl::StrCat(absl::string_view(fault.call.data(), fault.call.size()),
                   " #", fault.index, ": ");
  if (fault.error == 0) {
    absl::StrAppend(&text, "moves ", fault.most, " at most");
  } else if (fault.call == "getaddrinfo") {
    absl::StrAppend(&text, ::gai_strerror(fault.error));
  } else {
    absl::StrAppend(&text, std::strerror(fault.error));
  }
  return text;
}

// --- Counting ---------------------------------------------------------------

void FaultingSystem::Begin(std::vector<Fault> faults) {
  faults_ = std::move(faults);
  happened_ = 0;
  calls_.clear();
  counts_.clear();
  counting_ = true;
}

// What a run has needed is given back, so that whoever counts allocations finds
// those of the program alone.
void FaultingSystem::End() {
  counting_ = false;
  counts_.clear();
  faults_ = {};
}

const Fault* FaultingSystem::Count(std::string_view name) {
  if (!counting_) return nullptr;
  const int index = counts_[name]++;
  calls_.push_back({.name = name});
  for (const Fault& fault : faults_) {
    if (fault.call != name || fault.index != index) continue;
    ++happened_;
    return &fault;
  }
  return nullptr;
}

const Fault* FaultingSystem::CountWaiting(std::string_view name, int fd) {
  const Fault* const fault = Count(name);
  struct stat about{};
  if (counting_ && Kernel::fstat(fd, &about) == 0) {
    calls_.back().may_block = !S_ISREG(about.st_mode);
  }
  if (fault != nullptr && fault->error == EAGAIN) TellLater(fd);
  return fault;
}

bool FaultingSystem::CanBeCut(int fd) {
  int type = SOCK_STREAM;
  socklen_t size = sizeof(type);
  // What is no socket leaves it.
  Kernel::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
  return type == SOCK_STREAM && !whole_.contains(fd);
}

// --- News -------------------------------------------------------------------

bool FaultingSystem::watch(int fd, reactor::Source& source) {
  sources_[fd] = &source;
  return Kernel::watch(fd, source);
}

void FaultingSystem::TellLater(int fd) {
  to_tell_.insert(fd);
  tell_at_ = now() + absl::Microseconds(1);
}

Instant FaultingSystem::NextEvent() const { return tell_at_; }

bool FaultingSystem::RunEvents() {
  if (now() < tell_at_) return false;
  tell_at_ = Instant::InfiniteFuture();
  for (const int fd : std::exchange(to_tell_, {})) {
    const auto source = sources_.find(fd);
    if (source == sources_.end()) continue;
    source->second->Deliver(/*readable=*/true, /*writable=*/true,
                            /*hang_up=*/false);
  }
  return true;
}

}  // namespace weft::tests
