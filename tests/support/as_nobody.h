// For a test of what one may not do: while it lives, the process is not root.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_AS_NOBODY_H_
#define WEFT_TESTS_SUPPORT_AS_NOBODY_H_

#include <unistd.h>

#include "gtest/gtest.h"

namespace weft::testing {

// Whoever is not root to begin with stays who they are.
class AsNobody {
 public:
  AsNobody() { Become(kNobody); }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
  ~AsNobody() { Become(before_); }

 private:
  static constexpr uid_t kNobody = 65534;

  void Become(uid_t user) const {
    if (before_ != 0) return;
    EXPECT_EQ(::seteuid(user), 0);
  }

  const uid_t before_ = ::geteuid();
};

}  // namespace weft::testing

#endif  // WEFT_TESTS_SUPPORT_AS_NOBODY_H_
