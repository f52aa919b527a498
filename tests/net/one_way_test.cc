// Tests of operations that are cancelled, or whose descriptor is closed, at
// every place where they wait: one that says so has done nothing (SendFile, an
// unknown part), and what was reported has come.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/net/one_way.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/conformance/stream_test.h"
#include "weft/tests/net/one_way_datagram_kinds.h"
#include "weft/tests/net/one_way_stream_kinds.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::weft::testing::CancelEverywhere;
using ::weft::testing::CloseEverywhere;
using ::weft::testing::Interrupted;
using ::weft::testing::InterruptEverywhere;
using ::weft::testing::OpenDescriptors;

absl::Status Unclear(std::string_view who, const absl::Status& status) {
  return absl::InternalError(
      absl::StrCat("the ", std::string(who), " says ", status.ToString()));
}

template <typename Kind>
class OneWayTest : public ::testing::Test {
 protected:
  weft::testing::EverywhereOptions options() {
    return {.seeds = 2, .system = &system_};
  }

  // Plays it anew.
  Task<absl::Status> Start() {
    way_.emplace();
    way_->open_before = OpenDescriptors();
    return Play(*way_);
  }

  // Whatever has happened, but that the receiver was closed: all that was sent
  // has come, and nothing else.
  absl::Status Check(const Interrupted& at) {
    absl::Status held = CheckWhatCame(at);
    if (!held.ok()) return held;
    if (!way_->receiving.ok()) return Unclear("receiver", way_->receiving);
    if (way_->received.size() == way_->sent) return way_->kind.Check();
    if (!Kind::kAtomic && way_->received.size() > way_->sent) {
      return way_->kind.Check();
    }
    return absl::InternalError(
        absl::StrCat(way_->received.size(), " came of ", way_->sent));
  }
  absl::Status CheckWhatCame(const Interrupted& at) {
    if (at.undisturbed && !way_->is_whole()) {
      return absl::InternalError("not all has come");
    }
    if (!IsPattern(way_->received)) {
      return absl::InternalError("other bytes have come than were sent");
    }
    if (OpenDescriptors() != way_->open_before) {
      return absl::InternalError("a descriptor is left open");
    }
    return absl::OkStatus();
  }

  typename Kind::System system_;
  std::optional<OneWay<Kind>> way_;
};

using Kinds =
    ::testing::Types<VectoredKind, PeekKind, SendFileKind, ColdFileKind,
                     CopiedFileKind, DescriptorsKind, SharedKind, DatagramKind,
                     FullQueueKind, PassedDatagramsKind>;
TYPED_TEST_SUITE(OneWayTest, Kinds, KindName);

TYPED_TEST(OneWayTest, CancelledAnywhereASenderHasSentWhatItSaid) {
  const absl::StatusOr<int> places = CancelEverywhere(
      this->options(), [this] { return this->Start(); },
      [this](const absl::Status& sent, const Interrupted& at) {
        if (!sent.ok() && !absl::IsCancelled(sent)) return sent;
        return this->Check(at);
      });

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 5);
}

TYPED_TEST(OneWayTest, CancelledAnywhereAReceiverHasLostNothing) {
  const absl::StatusOr<int> places = InterruptEverywhere(
      this->options(), [this] { return this->Start(); },
      [this](auto&, weft::testing::Simulator&) {
        if (this->way_->receiver != nullptr) this->way_->receiver->Cancel();
      },
      [this](const absl::Status& sent, const Interrupted& at) {
        if (!sent.ok()) return sent;
        return this->Check(at);
      });

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 5);
}

TYPED_TEST(OneWayTest, ClosedAnywhereASenderSaysSoAndHasSentWhatItSaid) {
  const absl::StatusOr<int> places = CloseEverywhere(
      this->options(), [this] { return this->Start(); },
      [this] {
        if (this->way_->close_sender) this->way_->close_sender();
      },
      [this](const absl::Status& sent, const Interrupted& at) {
        if (!sent.ok() && !absl::IsFailedPrecondition(sent)) return sent;
        return this->Check(at);
      });

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 5);
}

TYPED_TEST(OneWayTest, ClosedAnywhereAReceiverSaysSoAndItsSenderEnds) {
  const absl::StatusOr<int> places = CloseEverywhere(
      this->options(), [this] { return this->Start(); },
      [this] {
        if (this->way_->close_receiver) this->way_->close_receiver();
      },
      [this](const absl::Status& sent, const Interrupted& at) {
        const absl::Status& received = this->way_->receiving;
        const bool gone =
            absl::IsUnavailable(sent) || absl::IsNotFound(sent);  // Its file.
        if (!sent.ok() && !gone) return Unclear("sender", sent);
        if (!received.ok() && !absl::IsFailedPrecondition(received)) {
          return Unclear("receiver", received);
        }
        return this->CheckWhatCame(at);
      });

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 5);
}

}  // namespace
}  // namespace weft::net
