// Tests of weft::reactor::Fd.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/fd.h"

#include <cerrno>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/system.h"

namespace weft::reactor {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Writes down what is closed; the numbers are nobody's.
class RecordingSystem : public System {
 public:
  int close(int fd) override {
    closed.push_back(fd);
    errno = error;
    return error == 0 ? 0 : -1;
  }

  std::vector<int> closed;
  int error = 0;
};

TEST(FdTest, ClosesWhatItOwnsOnce) {
  RecordingSystem system;
  {
    const Fd fd(7, system);
    EXPECT_EQ(fd.get(), 7);
    EXPECT_TRUE(fd);
  }
  EXPECT_THAT(system.closed, ElementsAre(7));
}

TEST(FdTest, IsEmptyByDefaultAndForAFailedCall) {
  RecordingSystem system;
  {
    const Fd by_default;
    const Fd failed(-1, system);
    EXPECT_TRUE(by_default.empty());
    EXPECT_FALSE(failed);
    EXPECT_EQ(failed.get(), -1);
  }
  EXPECT_THAT(system.closed, IsEmpty());
}

TEST(FdTest, OwnsDescriptorZero) {
  RecordingSystem system;
  {
    const Fd fd(0, system);
  }
  EXPECT_THAT(system.closed, ElementsAre(0));
}

TEST(FdTest, AMoveLeavesNothingBehind) {
  RecordingSystem system;
  Fd from(7, system);
  {
    const Fd to(std::move(from));
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(to.get(), 7);
  }
  EXPECT_THAT(system.closed, ElementsAre(7));
}

TEST(FdTest, MoveAssignmentClosesTheOldDescriptorFirst) {
  RecordingSystem system;
  RecordingSystem other_system;
  {
    Fd to(7, system);
    to = Fd(8, other_system);
    EXPECT_EQ(to.get(), 8);
    EXPECT_THAT(system.closed, ElementsAre(7));
  }
  EXPECT_THAT(system.closed, ElementsAre(7));
  EXPECT_THAT(other_system.closed, ElementsAre(8));
}

TEST(FdTest, SurvivesAssignmentToItself) {
  RecordingSystem system;
  Fd fd(7, system);
  Fd& same = fd;

  fd = std::move(same);

  EXPECT_EQ(fd.get(), 7);
  EXPECT_THAT(system.closed, IsEmpty());
}

TEST(FdTest, ReleaseGivesUpOwnership) {
  RecordingSystem system;
  {
    Fd fd(7, system);
    EXPECT_EQ(fd.release(), 7);
    EXPECT_TRUE(fd.empty());
  }
  EXPECT_THAT(system.closed, IsEmpty());
}

TEST(FdTest, CloseClosesNowAndIsOkAgain) {
  RecordingSystem system;
  Fd fd(7, system);

  EXPECT_TRUE(fd.Close().ok());
  EXPECT_TRUE(fd.Close().ok());

  EXPECT_THAT(system.closed, ElementsAre(7));
}

TEST(FdTest, CloseReportsWhatTheSystemSaysAndIsEmptyAllTheSame) {
  RecordingSystem system;
  system.error = EIO;
  Fd fd(7, system);

  const absl::Status closed = fd.Close();

  EXPECT_EQ(ErrnoOf(closed), EIO);
  EXPECT_TRUE(fd.empty());
}

// The number is free by then, and may be another thread's.
TEST(FdTest, AnInterruptedCloseIsNotRepeated) {
  RecordingSystem system;
  system.error = EINTR;
  Fd fd(7, system);

  EXPECT_TRUE(fd.Close().ok());

  EXPECT_THAT(system.closed, ElementsAre(7));
}

}  // namespace
}  // namespace weft::reactor
