// DescriptorLimit: how many descriptors this process may have open, while it
// lives: more than usual, for a test of many connections, or fewer, for one of
// what happens when there are none left.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_DESCRIPTOR_LIMIT_H_
#define WEFT_TESTS_SUPPORT_DESCRIPTOR_LIMIT_H_

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace weft::testing {

class DescriptorLimit {
 public:
  // As near to `wanted` as the system lets this user come.
  explicit DescriptorLimit(int wanted) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const auto soft = static_cast<rlim_t>(wanted);
    const rlimit raised = {.rlim_cur = soft,
                           .rlim_max = std::max(soft, before_.rlim_max)};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) return;
    const rlimit highest = {.rlim_cur = before_.rlim_max,
                            .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &highest);
  }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  // So that `more` can be opened, and not one besides.
  static DescriptorLimit RoomFor(int more) {
    // Those below the lowest that is free are all taken. Above it there may be
    // some, so it can be fewer.
    const int lowest_free = ::dup(STDERR_FILENO);
    ::close(lowest_free);
    return DescriptorLimit(lowest_free + more);
  }

  int get() const {
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    return static_cast<int>(now.rlim_cur);
  }

 private:
  rlimit before_{};
};

}  // namespace weft::testing

#endif  // WEFT_TESTS_SUPPORT_DESCRIPTOR_LIMIT_H_
