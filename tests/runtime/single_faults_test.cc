// Tests of the tool that the tests of net and fs find faults with: what is
// wrong with a program that does not bear one is found, and said.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/single_faults.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"

namespace weft::tests {
namespace {

using reactor::ErrnoToStatus;
using reactor::Fd;
using reactor::RetryInterrupted;
using reactor::System;
using ::testing::HasSubstr;

absl::Status AllIsWell(const absl::Status&) { return absl::OkStatus(); }

// What is said of `program`, which nothing more is asked of.
std::string Said(Task<absl::Status> (*program)(), const Fault& fault) {
  SingleFaults faults({.start = program, .check = AllIsWell});
  const absl::Status clean = faults.Try({});
  EXPECT_TRUE(clean.ok()) << clean;
  return faults.Try({fault}).ToString();
}

int OpenNull(System& system) {
  return RetryInterrupted([&] { return system.open("/dev/null", O_RDWR, 0); });
}

// As all should be.
Task<absl::Status> Careful() {
  System& system = CurrentReactor().system();
  const Fd null(OpenNull(system), system);
  if (!null) co_return ErrnoToStatus(errno, "open(\"/dev/null\")");
  struct stat about{};
  if (system.fstat(null.get(), &about) == 0) co_return absl::OkStatus();
  co_return ErrnoToStatus(errno, "fstat(\"/dev/null\")");
}

TEST(SingleFaultsTest, NothingIsSaidOfAProgramThatBearsThemAll) {
  SingleFaults faults({.start = Careful, .check = AllIsWell});

  const int tried = faults.TryAll();

  EXPECT_GE(tried, 20);
}

int left_open = -1;

Task<absl::Status> Leaky() {
  System& system = CurrentReactor().system();
  const int null = OpenNull(system);
  struct stat about{};
  if (system.fstat(null, &about) == -1) {
    left_open = null;
    co_return ErrnoToStatus(errno, "fstat(\"/dev/null\")");
  }
  system.close(null);
  co_return absl::OkStatus();
}

TEST(SingleFaultsTest, ADescriptorThatIsLeftOpenIsFound) {
  EXPECT_THAT(Said(Leaky, {.call = "fstat", .error = EIO}),
              HasSubstr("fstat #0: Input/output error: 1 descriptors more"));
  System::Kernel().close(left_open);
}

Task<absl::Status> Stubborn() {
  const absl::Status careful = co_await Careful();
  if (careful.ok()) co_return careful;
  co_return co_await SleepFor(absl::InfiniteDuration());
}

TEST(SingleFaultsTest, AProgramThatWaitsForEverIsFound) {
  EXPECT_THAT(Said(Stubborn, {.call = "open", .error = EMFILE}),
              HasSubstr("it waits for ever"));
}

Task<absl::Status> Impatient() {
  System& system = CurrentReactor().system();
  const Fd null(system.open("/dev/null", O_RDWR, 0), system);
  if (null) co_return absl::OkStatus();
  co_return ErrnoToStatus(errno, "open(\"/dev/null\")");
}

TEST(SingleFaultsTest, AnInterruptionThatIsNoticedIsFound) {
  EXPECT_THAT(Said(Impatient, {.call = "open", .error = EINTR}),
              HasSubstr("not the one that was injected"));
}

Task<absl::Status> Vague() {
  const absl::Status careful = co_await Careful();
  co_return careful.ok() ? careful : absl::InternalError("it did not work");
}

TEST(SingleFaultsTest, AnErrorThatSaysNothingIsFound) {
  EXPECT_THAT(Said(Vague, {.call = "open", .error = EMFILE}),
              HasSubstr("it ended with INTERNAL: it did not work"));
}

Task<absl::Status> Careless() {
  System& system = CurrentReactor().system();
  const Fd null(OpenNull(system), system);
  co_return absl::OkStatus();
}

TEST(SingleFaultsTest, AnErrorThatIsLostIsFound) {
  EXPECT_THAT(Said(Careless, {.call = "open", .error = EMFILE}),
              HasSubstr("the error has been lost"));
}

// It may fail once.
Task<absl::Status> AskTwice() {
  System& system = CurrentReactor().system();
  struct stat about{};
  if (system.fstat(0, &about) == 0) co_return absl::OkStatus();
  if (system.fstat(0, &about) == 0) co_return absl::OkStatus();
  co_return absl::InternalError("it did not work twice");
}

TEST(SingleFaultsTest, AProgramThatBearsOneButNotTwoIsFoundByPairs) {
  SingleFaults faults({.start = AskTwice, .check = AllIsWell});

  EXPECT_GE(faults.TryAll(), 3);
  EXPECT_NONFATAL_FAILURE(faults.TryPairs(/*seed=*/1, /*times=*/100),
                          "it did not work twice (seed 1, pair ");
}

TEST(SingleFaultsTest, ASeedDrawsTheSamePairsAgain) {
  const auto endings = [](std::uint64_t seed) {
    std::vector<std::string> all;
    const auto note = [&all](const absl::Status& ended) {
      all.push_back(ended.ToString());
      return absl::OkStatus();
    };
    SingleFaults faults({.start = Careful, .check = note});
    EXPECT_GT(faults.TryPairs(seed, /*times=*/50), 0);
    return all;
  };

  EXPECT_EQ(endings(1), endings(1));
  EXPECT_NE(endings(1), endings(2));
}

TEST(SingleFaultsTest, ACallThatMovesLessIsOneOfThem) {
  std::size_t moved = 0;
  auto program = [&moved]() -> Task<absl::Status> {
    System& system = CurrentReactor().system();
    const Fd zeros(system.open("/dev/zero", O_RDONLY, 0), system);
    std::array<char, 8> buffer;
    moved = static_cast<std::size_t>(
        system.read(zeros.get(), buffer.data(), buffer.size()));
    co_return absl::OkStatus();
  };
  SingleFaults faults({.start = program, .check = AllIsWell});

  EXPECT_EQ(faults.Try({}), absl::OkStatus());
  EXPECT_EQ(moved, 8U);
  EXPECT_EQ(faults.Try({{.call = "read", .most = 3}}), absl::OkStatus());
  EXPECT_EQ(moved, 3U);
}

}  // namespace
}  // namespace weft::tests
