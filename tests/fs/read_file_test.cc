// Tests of reading whole files. In simulation, on real files, and with systems
// that fail.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/read_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/fs/numbers.h"
#include "weft/tests/support/as_nobody.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::weft::testing::AsNobody;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;
using ::weft::testing::TemporaryDirectory;

TEST(ReadFileTest, GivesWhatIsInTheFile) {
  TemporaryDirectory directory;
  directory.Write("file", std::string_view("one\0two\n", 8));
  Simulator sim;

  const absl::StatusOr<std::string> text =
      sim.Run(ReadFile(directory / "file"));

  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, std::string_view("one\0two\n", 8));
}

class ReadFileSizeTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ReadFileSizeTest, GivesAllOfAFileOfAnySize) {
  TemporaryDirectory directory;
  const std::string contents = Numbers(GetParam());
  directory.Write("file", contents);
  Simulator sim;
  const int before = OpenDescriptors();

  const absl::StatusOr<std::string> text =
      sim.Run(ReadFile(directory / "file"));

  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_TRUE(*text == contents);
  EXPECT_EQ(OpenDescriptors(), before);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ReadFileSizeTest,
                         ::testing::Values(0, 1, 4095, 4096, 4097,
                                           (1 << 20) - 1, 1 << 20,
                                           (1 << 20) + 1, 3'500'000));

TEST(ReadFileTest, ReadsFilesThatDoNotTellTheirSize) {
  Simulator sim;

  const absl::StatusOr<std::string> text =
      sim.Run(ReadFile("/proc/self/status"));

  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_THAT(*text, StartsWith("Name:"));
  EXPECT_THAT(*text, HasSubstr("\nvoluntary_ctxt_switches:"));
}

// Claims that every file is empty, as those under /proc are.
class SizelessSystem : public SimulatedSystem {
 public:
  int fstat(int fd, struct stat* out) override {
    const int answer = SimulatedSystem::fstat(fd, out);
    out->st_size = 0;
    return answer;
  }
};

TEST(ReadFileTest, GrowsWithAFileThatDoesNotTellItsSize) {
  TemporaryDirectory directory;
  const std::string contents = Numbers(2'500'000);
  directory.Write("file", contents);
  SizelessSystem system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::StatusOr<std::string> text =
      sim.Run(ReadFile(directory / "file"));

  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_TRUE(*text == contents);
}

TEST(ReadFileTest, SaysThatThereIsNoSuchFile) {
  Simulator sim;

  const absl::Status status = sim.Run(ReadFile("/nope/file")).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(status.message()),
            "open(\"/nope/file\"): No such file or directory");
}

TEST(ReadFileTest, SaysThatADirectoryIsNoFile) {
  TemporaryDirectory directory;
  Simulator sim;
  const int before = OpenDescriptors();

  const absl::Status status = sim.Run(ReadFile(directory.path())).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()),
            "read(\"" + directory.path() + "\"): Is a directory");
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(ReadFileTest, RefusesAPipeInsteadOfWaitingForItsWriter) {
  TemporaryDirectory directory;
  const std::string pipe = directory / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Simulator sim;
  const int before = OpenDescriptors();

  const absl::Status status = sim.Run(ReadFile(pipe)).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()),
            "open(\"" + pipe +
                "\"): a pipe is no file: it has neither a size nor positions");
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(ReadFileTest, SaysThatItMayNotReadTheFile) {
  TemporaryDirectory directory;
  directory.Write("file", "secret");
  ASSERT_EQ(::chmod(directory.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod((directory / "file").c_str(), 0), 0);
  Simulator sim;
  const AsNobody nobody;

  const absl::Status status = sim.Run(ReadFile(directory / "file")).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
}

TEST(ReadFileTest, RefusesAPathWithAZeroByte) {
  Simulator sim;

  const absl::Status status =
      sim.Run(ReadFile(std::string_view("/etc/hosts\0.txt", 15))).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

TEST(ReadFileTest, TakesAFileOfExactlyTheLimit) {
  TemporaryDirectory directory;
  directory.Write("file", "12345");
  Simulator sim;

  const absl::StatusOr<std::string> text =
      sim.Run(ReadFile(directory / "file", {.max_size = 5}));

  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, "12345");
}

TEST(ReadFileTest, RefusesAFileBeyondTheLimit) {
  TemporaryDirectory directory;
  directory.Write("file", "123456");
  Simulator sim;

  const absl::Status status =
      sim.Run(ReadFile(directory / "file", {.max_size = 5})).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::string(status.message()),
            "read(\"" + directory / "file" + "\"): it holds more than 5 bytes");
}

// Those under /sys do: each says that it is a page long.
TEST(ReadFileTest, TakesAFileThatSaysItHoldsMoreThanTheLimit) {
  class Boasting : public SimulatedSystem {
   public:
    int fstat(int fd, struct stat* about) override {
      const int answer = SimulatedSystem::fstat(fd, about);
      about->st_size = 4096;
      return answer;
    }
  } system;
  TemporaryDirectory directory;
  directory.Write("file", "12345");
  Simulator sim({.seed = {}, .system = &system});

  const absl::StatusOr<std::string> text =
      sim.Run(ReadFile(directory / "file", {.max_size = 5}));

  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(*text, "12345");
}

TEST(ReadFileTest, RefusesAFileThatTurnsOutToBeBeyondTheLimit) {
  Simulator sim;

  const absl::Status status =
      sim.Run(ReadFile("/dev/zero", {.max_size = 2'000'000})).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

TEST(ReadFileTest, PutsSingleBytesTogetherThroughInterrupts) {
  TemporaryDirectory directory;
  const std::string contents = Numbers(10'000);
  directory.Write("file", contents);
  HaltingSystem system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::StatusOr<std::string> text =
      sim.Run(ReadFile(directory / "file"));

  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_TRUE(*text == contents);
}

TEST(ReadFileTest, AnErrorInTheMiddleIsTheAnswer) {
  class Failing : public SimulatedSystem {
   public:
    ssize_t read(int fd, void* buffer, std::size_t size) override {
      if (++reads_ == 1) {
        return SimulatedSystem::read(fd, buffer,
                                     std::min<std::size_t>(size, 2));
      }
      errno = EIO;
      return -1;
    }

   private:
    int reads_ = 0;
  } system;
  TemporaryDirectory directory;
  directory.Write("file", "text");
  Simulator sim({.seed = {}, .system = &system});
  const int before = OpenDescriptors();

  const absl::Status status = sim.Run(ReadFile(directory / "file")).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(ReadFileTest, OpensNothingWhenItIsCancelledBefore) {
  Simulator sim;
  const int before = OpenDescriptors();
  JoinHandle<absl::StatusOr<std::string>> reader =
      sim.SpawnJoinable(ReadFile("/etc/hosts"));

  reader.Cancel();
  sim.RunUntilIdle();

  EXPECT_EQ(reader.BlockingJoin().status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace weft::fs
