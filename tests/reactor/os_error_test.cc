// Tests of ErrnoToStatus, ErrnoOf and RetryInterrupted.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/os_error.h"

#include <cerrno>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "gtest/gtest.h"

namespace weft::reactor {
namespace {

TEST(OsErrorTest, SaysWhatWasTriedOnWhatAndWhyItFailed) {
  EXPECT_EQ(ErrnoToStatus(ENOENT, "open(\"/etc/nope\")").ToString(),
            "NOT_FOUND: open(\"/etc/nope\"): No such file or directory "
            "[errno='2']");
}

TEST(OsErrorTest, GivesTheCodesThatCallersTellApart) {
  const auto code = [](int error) {
    return ErrnoToStatus(error, "call").code();
  };

  EXPECT_EQ(code(EEXIST), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(code(EACCES), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(ENOSPC), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(EMFILE), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(EADDRINUSE), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(EISDIR), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(EINVAL), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(EIO), absl::StatusCode::kDataLoss);
  EXPECT_EQ(code(ENODATA), absl::StatusCode::kNotFound);
  EXPECT_EQ(code(EADDRNOTAVAIL), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(EXDEV), absl::StatusCode::kFailedPrecondition);
}

TEST(OsErrorTest, CallsALostConnectionUnavailableHoweverItWasLost) {
  for (const int error : {EPIPE, ESHUTDOWN, ECONNRESET, ECONNREFUSED,
                          ECONNABORTED, ETIMEDOUT, EHOSTUNREACH}) {
    EXPECT_EQ(ErrnoToStatus(error, "send").code(),
              absl::StatusCode::kUnavailable)
        << error;
  }
}

// Cancellation and deadlines are the program's own; no errno may pass for one.
TEST(OsErrorTest, NeverProducesCancelledDeadlineExceededOrOk) {
  for (int error = 0; error < 4096; ++error) {
    const absl::StatusCode code = ErrnoToStatus(error, "call").code();
    EXPECT_NE(code, absl::StatusCode::kCancelled) << error;
    EXPECT_NE(code, absl::StatusCode::kDeadlineExceeded) << error;
    EXPECT_NE(code, absl::StatusCode::kOk) << error;
  }
}

TEST(OsErrorTest, RemembersTheErrnoThroughCopiesAndPayloads) {
  absl::Status status = ErrnoToStatus(ECONNRESET, "recv");
  status.SetPayload("somebody.else", absl::Cord("7"));

  const absl::Status copy = status;

  EXPECT_EQ(ErrnoOf(copy), ECONNRESET);
}

TEST(OsErrorTest, KnowsNoErrnoOfAStatusThatIsNotOfTheSystem) {
  EXPECT_EQ(ErrnoOf(absl::OkStatus()), std::nullopt);
  EXPECT_EQ(ErrnoOf(absl::UnavailableError("by hand")), std::nullopt);
}

TEST(RetryInterruptedTest, CallsAgainUntilItIsNotInterrupted) {
  int calls = 0;

  const int result = RetryInterrupted([&] {
    errno = EINTR;
    return ++calls < 3 ? -1 : 42;
  });

  EXPECT_EQ(result, 42);
  EXPECT_EQ(calls, 3);
}

TEST(RetryInterruptedTest, LeavesEveryOtherErrorToTheCaller) {
  int calls = 0;

  const long result = RetryInterrupted([&] {
    ++calls;
    errno = EAGAIN;
    return -1L;
  });

  EXPECT_EQ(result, -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace weft::reactor
