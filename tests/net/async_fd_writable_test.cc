// Tests of waiting for room with AsyncFd, as a library does that writes.
//
// SPDX-License-Identifier: MIT

#include <sys/socket.h>

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/async_fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/tests/net/plain_pair.h"

namespace weft::net {
namespace {

constexpr std::size_t kSaid = 30'000;

// As a library does that writes, and says that it would block.
Task<absl::Status> SendByHints(AsyncFd& fd, const PlainPair& ends,
                               std::size_t& sent) {
  const std::string piece(1'000, 'x');
  while (sent < kSaid) {
    const ssize_t result = ::send(ends.near.get(), piece.data(), piece.size(),
                                  MSG_DONTWAIT | MSG_NOSIGNAL);
    if (result > 0) {
      sent += static_cast<std::size_t>(result);
    } else {
      co_await OrReturn(fd.WaitWritable());
    }
  }
  co_return absl::OkStatus();
}

struct Sent {
  AsyncFd* fd = nullptr;  // While there is one.
  std::size_t sent = 0;
  std::size_t came = 0;
  bool over = false;
};

Task<absl::Status> DrainSlowly(const PlainPair& ends, Sent& sent) {
  while (!sent.over) {
    sent.came += ends.Receive().size();
    co_await OrReturn(SleepFor(absl::Milliseconds(1)));
  }
  for (std::string text = "."; !text.empty(); sent.came += text.size()) {
    text = ends.Receive();
  }
  co_return absl::OkStatus();
}

Task<absl::Status> SendAndGoOn(Sent& sent) {
  const PlainPair ends;
  AsyncFd fd = co_await OrReturn(AsyncFd::Borrow(ends.near.get()));
  sent.fd = &fd;
  JoinHandle<absl::Status> draining =
      Spawn(DrainSlowly, std::cref(ends), std::ref(sent));
  absl::Status status = co_await SendByHints(fd, ends, sent.sent);
  if (absl::IsCancelled(status)) {
    status = co_await Shield(SendByHints(fd, ends, sent.sent));
  }
  sent.fd = nullptr;
  sent.over = true;
  const auto drained = [&draining]() -> Task<absl::Status> {
    co_return co_await draining.Join();
  };
  co_await OrReturn(Shield(drained()));
  co_return status;
}

TEST(AsyncFdWritableTest, LosesNoHintOfRoomToACancellation) {
  Sent sent;

  const absl::StatusOr<int> places = weft::testing::CancelEverywhere(
      {.seeds = 3},
      [&sent] {
        sent = Sent();
        return SendAndGoOn(sent);
      },
      [&sent](const absl::Status& status, const weft::testing::Interrupted&) {
        if (!status.ok()) return status;
        return sent.came == kSaid
                   ? absl::OkStatus()
                   : absl::InternalError(absl::StrCat(sent.came, " came"));
      });

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 10);
}

TEST(AsyncFdWritableTest, ClosedAnywhereItTellsWhoWaitsForRoom) {
  Sent sent;

  const absl::StatusOr<int> places = weft::testing::CloseEverywhere(
      {.seeds = 3},
      [&sent] {
        sent = Sent();
        return SendAndGoOn(sent);
      },
      [&sent] {
        if (sent.fd != nullptr) sent.fd->Close();
      },
      [&sent](const absl::Status& status, const weft::testing::Interrupted&) {
        if (!status.ok() && !absl::IsFailedPrecondition(status)) return status;
        return sent.came == sent.sent
                   ? absl::OkStatus()
                   : absl::InternalError(absl::StrCat(sent.came, " came"));
      });

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 10);
}

}  // namespace
}  // namespace weft::net
