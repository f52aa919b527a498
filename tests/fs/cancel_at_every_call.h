// CancelAtEveryCall: runs a program again and again, cancelled during each of
// the calls into the system that it makes.
//
// In simulation the blocking pool runs its work on the spot, so a program that
// only uses files never suspends, and CancelEverywhere would not find a place
// in the middle of it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_FS_CANCEL_AT_EVERY_CALL_H_
#define WEFT_TESTS_FS_CANCEL_AT_EVERY_CALL_H_

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::fs {

// Does something of the test's right before the n-th of the calls that files
// and directories make.
class BeforeNthCall : public weft::testing::SimulatedSystem {
 public:
  explicit BeforeNthCall(int n) : n_(n) {}

  int open(const char* path, int flags, mode_t mode) override {
    Count();
    return SimulatedSystem::open(path, flags, mode);
  }
  int close(int fd) override {
    Count();
    return SimulatedSystem::close(fd);
  }
  int fstat(int fd, struct stat* out) override {
    Count();
    return SimulatedSystem::fstat(fd, out);
  }
  ssize_t read(int fd, void* buffer, std::size_t size) override {
    Count();
    return SimulatedSystem::read(fd, buffer, size);
  }
  ssize_t pread(int fd, void* buffer, std::size_t size, off_t at) override {
    Count();
    return SimulatedSystem::pread(fd, buffer, size, at);
  }
  // Two bytes at a time, so that there is more than one wait.
  ssize_t pread_nowait(int fd, void* buffer, std::size_t size,
                       off_t at) override {
    Count();
    const std::size_t some = size < 2 ? size : 2;
    return SimulatedSystem::pread(fd, buffer, some, at);
  }
  ssize_t pwrite(int fd, const void* buffer, std::size_t size,
                 off_t at) override {
    Count();
    return SimulatedSystem::pwrite(fd, buffer, size, at);
  }
  ssize_t pwritev(int fd, const iovec* parts, int count, off_t at) override {
    Count();
    return SimulatedSystem::pwritev(fd, parts, count, at);
  }
  int fsync(int fd) override {
    Count();
    return SimulatedSystem::fsync(fd);
  }
  int ftruncate(int fd, off_t size) override {
    Count();
    return SimulatedSystem::ftruncate(fd, size);
  }
  int stat(const char* path, struct stat* out) override {
    Count();
    return SimulatedSystem::stat(path, out);
  }
  int mkdir(const char* path, mode_t mode) override {
    Count();
    return SimulatedSystem::mkdir(path, mode);
  }
  int rename(const char* from, const char* to) override {
    Count();
    return SimulatedSystem::rename(from, to);
  }
  int openat(int directory, const char* path, int flags, mode_t mode) override {
    Count();
    return SimulatedSystem::openat(directory, path, flags, mode);
  }
  int unlinkat(int directory, const char* path, int flags) override {
    Count();
    return SimulatedSystem::unlinkat(directory, path, flags);
  }
  int fchmod(int fd, mode_t mode) override {
    Count();
    return SimulatedSystem::fchmod(fd, mode);
  }
  int fchown(int fd, uid_t user, gid_t group) override {
    Count();
    return SimulatedSystem::fchown(fd, user, group);
  }
  int fchownat(int directory, const char* path, uid_t user, gid_t group,
               int flags) override {
    Count();
    return SimulatedSystem::fchownat(directory, path, user, group, flags);
  }
  int statvfs(const char* path, reactor::FileSystemSpace* out) override {
    Count();
    return SimulatedSystem::statvfs(path, out);
  }
  int fstatvfs(int fd, reactor::FileSystemSpace* out) override {
    Count();
    return SimulatedSystem::fstatvfs(fd, out);
  }
  int rename_noreplace(const char* from, const char* to) override {
    Count();
    return SimulatedSystem::rename_noreplace(from, to);
  }
  int flock(int fd, int operation) override {
    Count();
    return SimulatedSystem::flock(fd, operation);
  }
  ssize_t copy_file_range(int from, off_t from_at, int to, off_t to_at,
                          std::size_t size) override {
    Count();
    return SimulatedSystem::copy_file_range(from, from_at, to, to_at, size);
  }
  int link(const char* from, const char* to) override {
    Count();
    return SimulatedSystem::link(from, to);
  }
  char* mkdtemp(char* pattern) override {
    Count();
    return SimulatedSystem::mkdtemp(pattern);
  }
  DIR* fdopendir(int fd) override {
    Count();
    return SimulatedSystem::fdopendir(fd);
  }
  int inotify_add_watch(int fd, const char* path, std::uint32_t mask) override {
    Count();
    return SimulatedSystem::inotify_add_watch(fd, path, mask);
  }
  int rmdir(const char* path) override {
    Count();
    return SimulatedSystem::rmdir(path);
  }
  int unlink(const char* path) override {
    Count();
    return SimulatedSystem::unlink(path);
  }
  DIR* opendir(const char* path) override {
    Count();
    return SimulatedSystem::opendir(path);
  }
  dirent* readdir(DIR* directory) override {
    Count();
    return SimulatedSystem::readdir(directory);
  }
  int closedir(DIR* directory) override {
    Count();
    return SimulatedSystem::closedir(directory);
  }

  std::function<void()> act;
  // Not in a program of fewer calls.
  bool acted = false;

 private:
  void Count() {
    if (act == nullptr || ++calls_ != n_) return;
    acted = true;
    act();
  }

  const int n_;
  int calls_ = 0;
};

// Runs the task that start() makes again and again, cancelled before it begins,
// then during every `stride`-th call, until it ends undisturbed. check(status)
// comes after each. Returns how often it was cancelled.
template <typename Start, typename Check>
int CancelAtEveryCall(Start start, Check check, int stride = 1) {
  int cancelled = 0;
  for (int n = 0;; n += stride) {
    SCOPED_TRACE(::testing::Message() << "cancelled during call " << n);
    BeforeNthCall system(n);
    weft::testing::Simulator sim({.seed = {}, .system = &system});
    const int before = weft::testing::OpenDescriptors();
    JoinHandle<absl::Status> program = sim.SpawnJoinable(start());
    system.act = [&program] { program.Cancel(); };

    if (n == 0) program.Cancel();
    sim.RunUntilIdle();
    system.act = nullptr;

    if (!program.finished()) {
      ADD_FAILURE() << "the cancelled program does not end";
      return cancelled;
    }
    const absl::Status status = program.BlockingJoin();
    EXPECT_TRUE(status.ok() || absl::IsCancelled(status)) << status;
    EXPECT_EQ(weft::testing::OpenDescriptors(), before);
    check(status);
    if (absl::IsCancelled(status)) ++cancelled;
    if ((n > 0 && !system.acted) || ::testing::Test::HasFailure()) {
      EXPECT_EQ(status, absl::OkStatus());
      return cancelled;
    }
  }
}

}  // namespace weft::fs

#endif  // WEFT_TESTS_FS_CANCEL_AT_EVERY_CALL_H_
