// What any ByteStream keeps where a session is cancelled, closed by another
// task or late, at every place where it waits: each end comes to an end that
// says why, what has come is what was sent as far as it goes, and nothing stays
// open.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CONFORMANCE_INTERRUPTING_CONFORMANCE_H_
#define WEFT_TESTS_NET_CONFORMANCE_INTERRUPTING_CONFORMANCE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/net/conformance/session.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/conformance/stream_test.h"

namespace weft::net {

template <typename Kind>
class StreamInterruptTest : public StreamTest<Kind> {
 protected:
  using Player = net::Player<typename Kind::Stream>;
  using Session = net::Session<typename Kind::Stream>;
  using Interrupted = weft::testing::Interrupted;

  weft::testing::EverywhereOptions options() {
    return {.seeds = 2, .system = &this->kind_.system()};
  }

  // Begins anew.
  Session& Anew() {
    session_.emplace();
    session_->open_before = this->kind_.CountOpen();
    return *session_;
  }

  // Whatever has happened: what came is what was sent, and all is closed.
  absl::Status Check(const Interrupted& at) {
    const bool all = session_->client.is_whole() && session_->server.is_whole();
    if (at.undisturbed && !all) return absl::InternalError("not all has come");
    if (!IsPattern(session_->client.received) ||
        !IsPattern(session_->server.received)) {
      return absl::InternalError("other bytes have come than were sent");
    }
    if (this->kind_.CountOpen() != session_->open_before) {
      return absl::InternalError("a descriptor is left open");
    }
    return absl::OkStatus();
  }

  // `closed` was closed by its owner, and `other` is its peer.
  absl::Status CheckClosed(const Player& closed, const Player& other) {
    constexpr auto kClosed = absl::StatusCode::kFailedPrecondition;
    constexpr auto kGone = absl::StatusCode::kUnavailable;
    for (const absl::Status& own : {closed.sending, closed.receiving}) {
      if (!own.ok() && own.code() != kClosed) return Unclear("closed", own);
    }
    if (!other.sending.ok() && other.sending.code() != kGone) {
      return Unclear("peer's sending", other.sending);
    }
    if (!other.receiving.ok() && other.receiving.code() != kGone &&
        other.receiving.code() != Kind::kReadAfterClose) {
      return Unclear("peer's receiving", other.receiving);
    }
    return absl::OkStatus();
  }

  // Closes `closed`, an end of the session, at every place, and looks at both.
  absl::StatusOr<int> CloseEverywhere(Player Session::* closed,
                                      Player Session::* other) {
    auto start = [this] { return PlayBoth(this->kind_, Anew()); };
    auto close = [this, closed] {
      typename Kind::Stream* const stream = ((*session_).*closed).stream;
      if (stream != nullptr) Kind::Close(*stream);
    };
    auto check = [=, this](const absl::Status& result, const Interrupted& at) {
      absl::Status held = result;
      held.Update(Check(at));
      held.Update(CheckClosed((*session_).*closed, (*session_).*other));
      return held;
    };
    return weft::testing::CloseEverywhere(options(), start, close, check);
  }

  std::optional<Session> session_;

 private:
  static absl::Status Unclear(std::string_view whose, const absl::Status& end) {
    return absl::InternalError(
        absl::StrCat(std::string(whose), ": ", end.ToString()));
  }
};
TYPED_TEST_SUITE_P(StreamInterruptTest);

TYPED_TEST_P(StreamInterruptTest, EndsInGoodOrderWhereverTheClientCloses) {
  using Session = net::Session<typename TypeParam::Stream>;

  const absl::StatusOr<int> places =
      this->CloseEverywhere(&Session::client, &Session::server);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 15);
}

TYPED_TEST_P(StreamInterruptTest, EndsInGoodOrderWhereverTheServerCloses) {
  using Session = net::Session<typename TypeParam::Stream>;

  const absl::StatusOr<int> places =
      this->CloseEverywhere(&Session::server, &Session::client);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 15);
}

TYPED_TEST_P(StreamInterruptTest, LeavesNothingOpenWhereverItIsCancelled) {
  auto start = [this] { return PlayBoth(this->kind_, this->Anew()); };
  auto check = [this](const absl::Status& result,
                      const weft::testing::Interrupted& at) {
    const bool heeded = result.ok() || absl::IsCancelled(result);
    return heeded ? this->Check(at) : result;
  };

  const absl::StatusOr<int> places =
      weft::testing::CancelEverywhere(this->options(), start, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 15);
}

TYPED_TEST_P(StreamInterruptTest, LeavesNothingOpenWhereverADeadlinePasses) {
  auto start = [this] { return PlayBoth(this->kind_, this->Anew()); };
  auto check = [this](const absl::Status& result,
                      const weft::testing::Interrupted& at) {
    const bool heeded = result.ok() || absl::IsDeadlineExceeded(result);
    return heeded ? this->Check(at) : result;
  };

  const absl::StatusOr<int> places =
      weft::testing::ExpireEverywhere(this->options(), start, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 15);
}

TYPED_TEST_P(StreamInterruptTest, LosesAndDoublesNoByteWhereverItIsCancelled) {
  auto start = [this] { return PlayOn(this->kind_, this->Anew()); };
  auto cancel = [this](auto&, weft::testing::Simulator&) {
    if (this->session_->victim != nullptr) this->session_->victim->Cancel();
  };
  auto check = [this](const absl::Status& result,
                      const weft::testing::Interrupted&) {
    absl::Status held = result;
    held.Update(this->Check({.step = 0, .seed = {}, .undisturbed = true}));
    return held;
  };

  const absl::StatusOr<int> places =
      weft::testing::InterruptEverywhere(this->options(), start, cancel, check);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 15);
}

REGISTER_TYPED_TEST_SUITE_P(StreamInterruptTest,
                            EndsInGoodOrderWhereverTheClientCloses,
                            EndsInGoodOrderWhereverTheServerCloses,
                            LeavesNothingOpenWhereverItIsCancelled,
                            LeavesNothingOpenWhereverADeadlinePasses,
                            LosesAndDoublesNoByteWhereverItIsCancelled);

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_CONFORMANCE_INTERRUPTING_CONFORMANCE_H_
