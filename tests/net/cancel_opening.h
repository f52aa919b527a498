// CancelOpeningEverywhere: cancels, wherever it suspends, an operation that
// opens one descriptor, and expects what every such operation promises: it
// gives the descriptor, or says CANCELLED and has nothing open.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CANCEL_OPENING_H_
#define WEFT_TESTS_NET_CANCEL_OPENING_H_

#include <concepts>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {

// So that a test can tell that something was tried.
struct CancelledOpenings {
  int places = 0;     // Where it could be cancelled,
  int cancelled = 0;  // and how often it was, in all schedules.
};

template <std::invocable Start>
CancelledOpenings CancelOpeningEverywhere(
    const weft::testing::EverywhereOptions& options, Start start) {
  CancelledOpenings tried;
  int before = 0;

  auto begin = [&] {
    before = weft::testing::OpenDescriptors();
    return start();
  };
  auto check = [&](const auto& opened, const weft::testing::Interrupted& at) {
    EXPECT_TRUE(opened.ok() || absl::IsCancelled(opened.status()))
        << opened.status();
    EXPECT_TRUE(opened.ok() || !at.undisturbed);
    EXPECT_EQ(weft::testing::OpenDescriptors(), before + (opened.ok() ? 1 : 0));
    if (!opened.ok()) ++tried.cancelled;
  };
  const absl::StatusOr<int> places =
      weft::testing::CancelEverywhere(options, begin, check);

  EXPECT_TRUE(places.ok()) << places.status();
  tried.places = places.value_or(0);
  return tried;
}

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CANCEL_OPENING_H_
