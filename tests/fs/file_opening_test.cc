// Tests of opening a weft::fs::File: what is refused, what is made, and what an
// error leaves. In simulation, on real files, and with systems that fail as
// they are told.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/file.h"
#include "weft/fs/open_options.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/counting_opens.h"
#include "weft/tests/fs/file_fixture.h"
#include "weft/tests/support/faulting_system.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::fs {
namespace {

using ::testing::HasSubstr;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;

class FileOpeningTest : public FileTest {};

TEST_F(FileOpeningTest, SaysThatThereIsNoSuchFile) {
  Simulator sim;

  const absl::Status status = sim.Run(File::Open("/nope/file")).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(status.message()),
            "open(\"/nope/file\"): No such file or directory");
}

TEST_F(FileOpeningTest, DoesNotOpenADirectoryToWriteIt) {
  Simulator sim;

  const absl::Status status =
      sim.Run(File::Open(directory_.path(), {.access = Access::kWrite}))
          .status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Is a directory"));
}

#ifdef F_SETLEASE  // Linux only: no other system here has leases.
// fcntl(2): who would break one waits, or with O_NONBLOCK is told so. The
// holder is told by a signal that ends a program that does not expect it.
TEST_F(FileOpeningTest, DoesNotWaitForWhoeverHoldsALease) {
  const auto before = ::signal(SIGIO, SIG_IGN);
  reactor::Fd holder(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (::fcntl(holder.get(), F_SETLEASE, F_RDLCK) != 0) {
    ::signal(SIGIO, before);
    GTEST_SKIP() << "this file system has no leases";
  }
  Simulator sim;

  const absl::Status held = sim.Run(File::Open(path_, kReadWrite)).status();
  ::fcntl(holder.get(), F_SETLEASE, F_UNLCK);
  const absl::Status free = sim.Run(File::Open(path_, kReadWrite)).status();

  ::signal(SIGIO, before);
  EXPECT_EQ(held.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(free, absl::OkStatus());
}
#endif

TEST_F(FileOpeningTest, DoesNotReadADirectory) {
  Simulator sim;
  auto read = [](std::string path) -> Task<absl::Status> {
    File file = co_await OrReturn(File::Open(path));
    Buffer buffer(4);
    absl::StatusOr<std::size_t> got = co_await file.Read(buffer.span());
    co_return got.status();
  };

  const absl::Status status = sim.Run(read(directory_.path()));

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(std::string(status.message()),
            "pread(\"" + directory_.path() + "\"): Is a directory");
}

// Whether anybody has its other end open or not.
TEST_F(FileOpeningTest, RefusesAPipeInsteadOfWaitingForItsOtherEnd) {
  const std::string pipe = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  Simulator sim;
  const int before = OpenDescriptors();

  const absl::Status to_read = sim.Run(File::Open(pipe)).status();
  const absl::Status to_write = sim.Run(File::Open(pipe, kReplace)).status();
  const reactor::Fd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK));
  const absl::Status to_append = sim.Run(File::Open(pipe, kAppend)).status();

  for (const absl::Status& refusal : {to_read, to_write, to_append}) {
    EXPECT_EQ(refusal.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(std::string(refusal.message()),
              "open(\"" + pipe +
                  "\"): a pipe is no file: it has neither a size nor "
                  "positions");
  }
  EXPECT_EQ(OpenDescriptors(), before + 1);
}

// Else a program that waits for its other end would go on, and find nobody.
TEST_F(FileOpeningTest, RefusesAPipeWithoutOpeningIt) {
  CountingOpens system;
  Simulator sim({.seed = {}, .system = &system});
  ASSERT_EQ(::mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("pipe", (directory_ / "link").c_str()), 0);

  for (const char* const name : {"pipe", "link"}) {
    for (const OpenOptions& options : {OpenOptions(), kReplace, kAppend}) {
      EXPECT_EQ(sim.Run(File::Open(directory_ / name, options)).status().code(),
                absl::StatusCode::kFailedPrecondition);
    }
  }

  EXPECT_EQ(system.opened, 0);
}

TEST_F(FileOpeningTest, SaysThatASocketIsNoFile) {
  const reactor::Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string path = directory_ / "socket";
  ASSERT_LT(path.size(), sizeof(name.sun_path));
  path.copy(name.sun_path, path.size());
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name),
                   sizeof(name)),
            0);
  Simulator sim;

  const absl::Status status = sim.Run(File::Open(path)).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("a socket is no file"));
}

TEST_F(FileOpeningTest, SaysThatADeviceIsMissing) {
  class Missing : public SimulatedSystem {
   public:
    int open(const char*, int, mode_t) override {
      errno = ENXIO;
      return -1;
    }
  } system;
  Simulator sim({.seed = {}, .system = &system});

  const absl::Status status = sim.Run(File::Open(path_)).status();

  EXPECT_EQ(std::string(status.message()),
            "open(\"" + path_ + "\"): No such device or address");
}

TEST_F(FileOpeningTest, ClosesWhatItCannotAskAbout) {
  class Mute : public SimulatedSystem {
   public:
    int fstat(int, struct stat*) override {
      errno = EIO;
      return -1;
    }
  } system;
  Simulator sim({.seed = {}, .system = &system});
  const int before = OpenDescriptors();

  EXPECT_EQ(sim.Run(File::Open(path_)).status().code(),
            absl::StatusCode::kDataLoss);
  EXPECT_EQ(OpenDescriptors(), before);
}

// O_CREAT makes no file where the link leads either.
TEST_F(FileOpeningTest, FollowsNoLinkWhereNoneIsToBeFollowed) {
  const std::string link = directory_ / "link";
  const std::string broken = directory_ / "broken";
  const std::string circle = directory_ / "circle";
  ASSERT_EQ(::symlink(path_.c_str(), link.c_str()), 0);
  ASSERT_EQ(::symlink((directory_ / "none").c_str(), broken.c_str()), 0);
  ASSERT_EQ(::symlink(circle.c_str(), circle.c_str()), 0);
  const OpenOptions no_follow = {.links = Links::kNoFollow};
  OpenOptions replace = kReplace;
  replace.links = Links::kNoFollow;
  Simulator sim;

  const absl::Status to_read = sim.Run(File::Open(link, no_follow)).status();
  const absl::Status to_make = sim.Run(File::Open(broken, replace)).status();
  const absl::Status round =
      sim.Run(File::Open(circle + "/file", no_follow)).status();

  EXPECT_EQ(sim.Run(File::Open(path_, no_follow)).status(), absl::OkStatus());
  EXPECT_EQ(sim.Run(File::Open(link)).status(), absl::OkStatus());
  EXPECT_EQ(to_read.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(
      std::string(to_read.message()),
      "open(\"" + link + "\"): a symbolic link, which is not to be followed");
  EXPECT_THAT(std::string(to_make.message()), HasSubstr("a symbolic link"));
  EXPECT_EQ(reactor::ErrnoOf(round), ELOOP);
  EXPECT_FALSE(directory_.Names().contains("none"));
}

TEST_F(FileOpeningTest, OpensAFileWhoseEveryWriteIsDurable) {
  int expected = 0;
  auto write = [&expected](File& file) -> Task<absl::Status> {
    const int flags = ::fcntl(file.fd().get(), F_GETFL);
    EXPECT_EQ(flags & expected, expected);
    co_return co_await file.WriteAll(Bytes("ab"));
  };

  for (const Durability durability :
       {Durability::kEveryWrite, Durability::kEveryWriteWithMetadata}) {
    OpenOptions options = kReadWrite;
    options.durability = durability;
    expected = durability == Durability::kEveryWrite ? O_DSYNC : O_SYNC;
    EXPECT_EQ(WithFile(options, write), absl::OkStatus());
  }
  EXPECT_EQ(directory_.Read("file"), "ab23456789");
}

TEST_F(FileOpeningTest, RefusesOptionsThatContradictThemselves) {
  Simulator sim;

  EXPECT_EQ(sim.Run(File::Open(path_, {.truncate = true})).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(FileOpeningTest, RefusesAPathWithAZeroByte) {
  Simulator sim;

  EXPECT_EQ(sim.Run(File::Open(path_ + std::string(1, '\0'))).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(FileOpeningTest, DoesNotMakeAFileThatIsThereExclusively) {
  Simulator sim;

  const absl::Status status =
      sim.Run(File::Open(path_, {.access = Access::kWrite,
                                 .create = Create::kExclusive}))
          .status();

  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(FileOpeningTest, MakesNothingExclusivelyThatItCannotOpen) {
  tests::FaultingSystem system;
  Simulator sim({.system = &system});
  const std::string path = directory_ / "new";
  system.Begin({{.call = "fstat", .error = EIO}});

  const absl::Status status =
      sim.Run(File::Open(path, {.access = Access::kWrite,
                                .create = Create::kExclusive}))
          .status();

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(directory_.Names().contains("new"));
}

TEST_F(FileOpeningTest, GivesANewFileItsPermissions) {
  Simulator sim;
  const std::string path = directory_ / "new";

  EXPECT_TRUE(sim.Run(File::Open(path, {.access = Access::kWrite,
                                        .create = Create::kIfMissing,
                                        .permissions = 0600}))
                  .ok());

  struct stat about{};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
}

TEST_F(FileOpeningTest, SaysThatNoDescriptorIsLeft) {
  class Exhausted : public SimulatedSystem {
   public:
    int open(const char*, int, mode_t) override {
      errno = EMFILE;
      return -1;
    }
  } system;
  Simulator sim({.seed = {}, .system = &system});

  EXPECT_EQ(sim.Run(File::Open(path_)).status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace weft::fs
