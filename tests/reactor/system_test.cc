// Tests of what weft::reactor::System promises beyond the bare calls: nothing
// blocks, nothing is inherited, nothing raises SIGPIPE, everything can be
// replaced.
//
// SPDX-License-Identifier: MIT

#include "weft/reactor/system.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/reactor/fd.h"

namespace weft::reactor {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;

bool BlocksNever(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }
bool IsNotInherited(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

// Whether it exists depends on the kernel; that it can be asked does not.
TEST(SystemTest, ABarrierForAllThreadsIsThereOrRefused) {
  System& system = System::Kernel();

  if (system.membarrier_register() == 0) {
    EXPECT_EQ(system.membarrier_register(), 0) << "as often as one likes";
    EXPECT_EQ(system.membarrier(), 0);
  } else {
    EXPECT_THAT(errno, AnyOf(ENOTSUP, ENOSYS, EINVAL, EPERM));
  }
}

// A fresh directory, and what a test put into it, gone at the end.
class SystemFileTest : public ::testing::Test {
 protected:
  SystemFileTest() {
    std::string pattern = ::testing::TempDir() + "weft_system_XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~SystemFileTest() override {
    system_.unlink(Path("file").c_str());
    system_.rmdir(root_.c_str());
  }

  std::string Path(std::string_view name) const {
    return root_ + "/" + std::string(name);
  }
  Fd Create(std::string_view name) {
    return Fd(
        system_.open(Path(name).c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
  }

  System& system_ = System::Kernel();
  std::string root_;
};

TEST_F(SystemFileTest, OpenedFilesAreNotInherited) {
  const Fd file = Create("file");
  ASSERT_TRUE(file);
  EXPECT_TRUE(IsNotInherited(file.get()));
}

TEST_F(SystemFileTest, OpensAPipeWithoutWaitingForItsOtherEnd) {
  ASSERT_EQ(::mkfifo(Path("file").c_str(), 0600), 0);

  const Fd nobody_reads(system_.open(Path("file").c_str(), O_WRONLY, 0));
  const int error = errno;
  const Fd nobody_writes(system_.open(Path("file").c_str(), O_RDONLY, 0));

  EXPECT_FALSE(nobody_reads);
  EXPECT_EQ(error, ENXIO);
  ASSERT_TRUE(nobody_writes);
  EXPECT_TRUE(BlocksNever(nobody_writes.get()));
}

TEST_F(SystemFileTest, WritesReadsAndMeasuresAFile) {
  const Fd file = Create("file");

  ASSERT_EQ(system_.write(file.get(), "hello", 5), 5);
  ASSERT_EQ(system_.pwrite(file.get(), "J", 1, 0), 1);
  EXPECT_EQ(system_.fsync(file.get()), 0);
  EXPECT_EQ(system_.fdatasync(file.get()), 0);

  std::array<char, 8> buffer{};
  EXPECT_EQ(system_.pread(file.get(), buffer.data(), buffer.size(), 1), 4);
  EXPECT_STREQ(buffer.data(), "ello");
  EXPECT_EQ(system_.lseek(file.get(), 0, SEEK_SET), 0);
  EXPECT_EQ(system_.read(file.get(), buffer.data(), 2), 2);
  EXPECT_EQ(buffer[0], 'J');
  ASSERT_EQ(system_.ftruncate(file.get(), 3), 0);
  struct stat about{};
  ASSERT_EQ(system_.fstat(file.get(), &about), 0);
  EXPECT_EQ(about.st_size, 3);
}

TEST_F(SystemFileTest, ReadsFromTheCacheOrSaysThatItCannot) {
  const Fd file = Create("file");
  ASSERT_EQ(system_.write(file.get(), "cached", 6), 6);

  std::array<char, 8> buffer{};
  const ssize_t got =
      system_.pread_nowait(file.get(), buffer.data(), buffer.size(), 2);

  if (got == -1) {
    EXPECT_TRUE(errno == EAGAIN || errno == ENOTSUP || errno == EOPNOTSUPP)
        << std::strerror(errno);
  } else {
    EXPECT_EQ(std::string_view(buffer.data(), static_cast<std::size_t>(got)),
              "ched");
  }
}

TEST_F(SystemFileTest, MakesListsRenamesAndRemovesNames) {
  ASSERT_EQ(system_.mkdir(Path("inner").c_str(), 0700), 0);
  ASSERT_EQ(system_.rename(Path("inner").c_str(), Path("moved").c_str()), 0);

  std::set<std::string> names;
  DIR* const directory = system_.opendir(root_.c_str());
  ASSERT_NE(directory, nullptr);
  while (const dirent* entry = system_.readdir(directory)) {
    names.insert(entry->d_name);
  }
  EXPECT_EQ(system_.closedir(directory), 0);

  EXPECT_THAT(names, Contains("moved"));
  EXPECT_EQ(system_.rmdir(Path("moved").c_str()), 0);
  struct stat about{};
  EXPECT_EQ(system_.lstat(Path("moved").c_str(), &about), -1);
  EXPECT_EQ(errno, ENOENT);
}

TEST_F(SystemFileTest, RenamesOverNothingOrSaysThatItCannot) {
  const Fd one = Create("one");
  const Fd other = Create("other");

  EXPECT_EQ(
      system_.rename_noreplace(Path("one").c_str(), Path("other").c_str()), -1);
  const int error = errno;
  EXPECT_THAT(error, AnyOf(EEXIST, EINVAL, ENOTSUP));

  struct stat about{};
  EXPECT_EQ(system_.lstat(Path("one").c_str(), &about), 0);
  if (error != EEXIST) return;  // This file system cannot.
  EXPECT_EQ(system_.rename_noreplace(Path("one").c_str(), Path("free").c_str()),
            0);
  EXPECT_EQ(system_.lstat(Path("free").c_str(), &about), 0);
}

TEST_F(SystemFileTest, KnowsTheRoomOfAFileSystemInBytes) {
  const Fd file = Create("file");
  FileSystemSpace by_name;
  FileSystemSpace by_number;
  struct statvfs about{};

  ASSERT_EQ(system_.statvfs(root_.c_str(), &by_name), 0);
  ASSERT_EQ(system_.fstatvfs(file.get(), &by_number), 0);
  ASSERT_EQ(::statvfs(root_.c_str(), &about), 0);

  EXPECT_EQ(by_name.total, std::uint64_t{about.f_blocks} * about.f_frsize);
  EXPECT_EQ(by_number.total, by_name.total);
  EXPECT_LE(by_name.free, by_name.total);
  EXPECT_LE(by_name.available, by_name.free);
}

TEST_F(SystemFileTest, GivesAFileToWhomItBelongs) {
  const Fd file = Create("file");

  EXPECT_EQ(system_.fchown(file.get(), ::geteuid(), static_cast<gid_t>(-1)), 0);
  EXPECT_EQ(system_.fchownat(AT_FDCWD, Path("file").c_str(), ::geteuid(),
                             static_cast<gid_t>(-1), AT_SYMLINK_NOFOLLOW),
            0);
}

TEST_F(SystemFileTest, StatFollowsALinkAndLstatDoesNot) {
  const Fd target = Create("file");
  ASSERT_EQ(::symlink("file", Path("link").c_str()), 0);

  struct stat followed{};
  struct stat link{};
  EXPECT_EQ(system_.stat(Path("link").c_str(), &followed), 0);
  EXPECT_EQ(system_.lstat(Path("link").c_str(), &link), 0);

  EXPECT_TRUE(S_ISREG(followed.st_mode));
  EXPECT_TRUE(S_ISLNK(link.st_mode));
  EXPECT_EQ(system_.unlink(Path("link").c_str()), 0);
}

TEST(SystemTest, PipesNeitherBlockNorAreInherited) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(System::Kernel().pipe(ends), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);

  for (const int end : ends) {
    EXPECT_TRUE(BlocksNever(end));
    EXPECT_TRUE(IsNotInherited(end));
  }
}

class SystemSocketTest : public ::testing::Test {
 protected:
  SystemSocketTest() {
    listener_ = Fd(system_.socket(AF_INET, SOCK_STREAM, 0));
    client_ = Fd(system_.socket(AF_INET, SOCK_STREAM, 0));
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }

  // Connects `client_`, and leaves its peer in `accepted_`.
  void Connect() {
    auto* const address = reinterpret_cast<sockaddr*>(&address_);
    socklen_t size = sizeof address_;
    ASSERT_EQ(system_.bind(listener_.get(), address, size), 0);
    ASSERT_EQ(system_.listen(listener_.get(), 1), 0);
    ASSERT_EQ(system_.getsockname(listener_.get(), address, &size), 0);
    // The one place that blocks, so that what follows is certain.
    ASSERT_EQ(::fcntl(client_.get(), F_SETFL, 0), 0);
    ASSERT_EQ(system_.connect(client_.get(), address, size), 0);
    accepted_ = Fd(system_.accept(listener_.get(), nullptr, nullptr));
    ASSERT_TRUE(accepted_);
  }

  System& system_ = System::Kernel();
  Fd listener_;
  Fd client_;
  Fd accepted_;
  sockaddr_in address_{};
};

TEST_F(SystemSocketTest, SocketsNeitherBlockNorAreInherited) {
  EXPECT_TRUE(BlocksNever(client_.get()));
  EXPECT_TRUE(IsNotInherited(client_.get()));
}

TEST_F(SystemSocketTest, AcceptedSocketsNeitherBlockNorAreInherited) {
  Connect();
  EXPECT_TRUE(BlocksNever(accepted_.get()));
  EXPECT_TRUE(IsNotInherited(accepted_.get()));
}

TEST_F(SystemSocketTest, AcceptWithoutAConnectionWouldBlock) {
  ASSERT_EQ(system_.listen(listener_.get(), 1), 0);
  EXPECT_EQ(system_.accept(listener_.get(), nullptr, nullptr), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(SystemSocketTest, BothEndsKnowEachOther) {
  Connect();
  sockaddr_in local{};
  sockaddr_in remote{};
  socklen_t size = sizeof local;
  ASSERT_EQ(system_.getsockname(client_.get(),
                                reinterpret_cast<sockaddr*>(&local), &size),
            0);
  ASSERT_EQ(system_.getpeername(accepted_.get(),
                                reinterpret_cast<sockaddr*>(&remote), &size),
            0);
  EXPECT_EQ(local.sin_port, remote.sin_port);
}

TEST_F(SystemSocketTest, WritingToAClosedConnectionIsAnErrorAndNoSignal) {
  Connect();
  ASSERT_EQ(system_.shutdown(client_.get(), SHUT_WR), 0);

  EXPECT_EQ(system_.send(client_.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPIPE);
  iovec part{const_cast<char*>("x"), 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  EXPECT_EQ(system_.sendmsg(client_.get(), &message, 0), -1);
  EXPECT_EQ(errno, EPIPE);
}

TEST_F(SystemSocketTest, SendsAndReceivesInParts) {
  Connect();
  const std::array<iovec, 2> parts{iovec{const_cast<char*>("two "), 4},
                                   iovec{const_cast<char*>("parts"), 5}};
  ASSERT_EQ(system_.writev(client_.get(), parts.data(), 2), 9);

  std::array<char, 3> first{};
  std::array<char, 16> second{};
  const std::array<iovec, 2> into{iovec{first.data(), first.size()},
                                  iovec{second.data(), second.size()}};
  ASSERT_EQ(system_.readv(accepted_.get(), into.data(), 2), 9);
  EXPECT_EQ(std::string_view(first.data(), 3), "two");
  EXPECT_STREQ(second.data(), " parts");
  EXPECT_EQ(system_.recv(accepted_.get(), first.data(), 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST_F(SystemSocketTest, OptionsAreSetAndRead) {
  const int on = 1;
  ASSERT_EQ(system_.setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on,
                               sizeof on),
            0);
  int value = 0;
  socklen_t size = sizeof value;
  ASSERT_EQ(system_.getsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR,
                               &value, &size),
            0);
  EXPECT_NE(value, 0);
}

// A clock that stands still and a kernel that has run out of descriptors.
class StandIn : public System {
 public:
  int clock_gettime(clockid_t /*clock*/, timespec* now) override {
    *now = timespec{42, 7};
    return 0;
  }
  int socket(int /*domain*/, int /*type*/, int /*protocol*/) override {
    errno = EMFILE;
    return -1;
  }
};

TEST(SystemTest, EveryCallCanBeReplaced) {
  StandIn stand_in;
  System& system = stand_in;

  timespec now{};
  ASSERT_EQ(system.clock_gettime(CLOCK_MONOTONIC, &now), 0);
  EXPECT_EQ(now.tv_sec, 42);
  EXPECT_EQ(system.socket(AF_INET, SOCK_STREAM, 0), -1);
  EXPECT_EQ(errno, EMFILE);
}

TEST(SystemTest, TheEventQueueCallsAreMadeAsTheyAre) {
  int calls = 0;
  const auto call = [&] {
    ++calls;
    errno = EEXIST;
    return -1;
  };

  EXPECT_EQ(System::Kernel().event_queue_control(call), -1);
  EXPECT_EQ(errno, EEXIST);
  EXPECT_EQ(System::Kernel().event_queue_wait(call), -1);
  EXPECT_EQ(calls, 2);
}

TEST(SystemTest, TheMonotonicClockDoesNotGoBack) {
  timespec before{};
  timespec after{};
  ASSERT_EQ(System::Kernel().clock_gettime(CLOCK_MONOTONIC, &before), 0);
  ASSERT_EQ(System::Kernel().clock_gettime(CLOCK_MONOTONIC, &after), 0);
  EXPECT_GE(after.tv_sec * std::int64_t{1'000'000'000} + after.tv_nsec,
            before.tv_sec * std::int64_t{1'000'000'000} + before.tv_nsec);
}

}  // namespace
}  // namespace weft::reactor
