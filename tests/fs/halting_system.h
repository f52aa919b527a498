// HaltingSystem: a kernel that moves one byte at a time, and is interrupted at
// every other call.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_FS_HALTING_SYSTEM_H_
#define WEFT_TESTS_FS_HALTING_SYSTEM_H_

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <cstddef>

#include "weft/reactor/system.h"
#include "weft/tests/fs/interrupting.h"

namespace weft::fs {

class HaltingSystem : public Interrupting {
 public:
  int open(const char* path, int flags, mode_t mode) override {
    return Interrupt() ? -1 : SimulatedSystem::open(path, flags, mode);
  }
  ssize_t read(int fd, void* buffer, std::size_t size) override {
    return Interrupt() ? -1 : SimulatedSystem::read(fd, buffer, OneOf(size));
  }
  ssize_t write(int fd, const void* buffer, std::size_t size) override {
    return Interrupt() ? -1 : SimulatedSystem::write(fd, buffer, OneOf(size));
  }
  ssize_t pread(int fd, void* buffer, std::size_t size, off_t at) override {
    if (Interrupt()) return -1;
    return SimulatedSystem::pread(fd, buffer, OneOf(size), at);
  }
  // Answers as if all were cached, whatever the file system of the tests can.
  ssize_t pread_nowait(int fd, void* buffer, std::size_t size,
                       off_t at) override {
    if (Interrupt()) return -1;
    return SimulatedSystem::pread(fd, buffer, OneOf(size), at);
  }
  ssize_t pwrite(int fd, const void* buffer, std::size_t size,
                 off_t at) override {
    if (Interrupt()) return -1;
    return SimulatedSystem::pwrite(fd, buffer, OneOf(size), at);
  }
  // In the first part that has room for it.
  ssize_t preadv(int fd, const iovec* parts, int, off_t at) override {
    if (Interrupt()) return -1;
    return SimulatedSystem::pread(fd, parts->iov_base, OneOf(parts->iov_len),
                                  at);
  }
  ssize_t preadv_nowait(int fd, const iovec* parts, int, off_t at) override {
    if (Interrupt()) return -1;
    return SimulatedSystem::pread(fd, parts->iov_base, OneOf(parts->iov_len),
                                  at);
  }
  ssize_t pwritev(int fd, const iovec* parts, int, off_t at) override {
    if (Interrupt()) return -1;
    return SimulatedSystem::pwrite(fd, parts->iov_base, OneOf(parts->iov_len),
                                   at);
  }
  int fallocate(int fd, off_t at, off_t size) override {
    return Interrupt() ? -1 : SimulatedSystem::fallocate(fd, at, size);
  }
  int fadvise(int fd, off_t at, off_t size,
              reactor::FileAdvice advice) override {
    return Interrupt() ? -1 : SimulatedSystem::fadvise(fd, at, size, advice);
  }
  int flock(int fd, int operation) override {
    return Interrupt() ? -1 : SimulatedSystem::flock(fd, operation);
  }
  ssize_t copy_file_range(int from, off_t from_at, int to, off_t to_at,
                          std::size_t size) override {
    if (Interrupt()) return -1;
    return SimulatedSystem::copy_file_range(from, from_at, to, to_at,
                                            OneOf(size));
  }
  int fchmod(int fd, mode_t mode) override {
    return Interrupt() ? -1 : SimulatedSystem::fchmod(fd, mode);
  }
  int fchown(int fd, uid_t user, gid_t group) override {
    return Interrupt() ? -1 : SimulatedSystem::fchown(fd, user, group);
  }
  int fstatvfs(int fd, reactor::FileSystemSpace* out) override {
    return Interrupt() ? -1 : SimulatedSystem::fstatvfs(fd, out);
  }
  int futimens(int fd, const timespec times[2]) override {
    return Interrupt() ? -1 : SimulatedSystem::futimens(fd, times);
  }
  int fstat(int fd, struct stat* out) override {
    return Interrupt() ? -1 : SimulatedSystem::fstat(fd, out);
  }
  int stat(const char* path, struct stat* out) override {
    return Interrupt() ? -1 : SimulatedSystem::stat(path, out);
  }
  int fsync(int fd) override {
    return Interrupt() ? -1 : SimulatedSystem::fsync(fd);
  }
  int fdatasync(int fd) override {
    return Interrupt() ? -1 : SimulatedSystem::fdatasync(fd);
  }
  int ftruncate(int fd, off_t size) override {
    return Interrupt() ? -1 : SimulatedSystem::ftruncate(fd, size);
  }

 private:
  static std::size_t OneOf(std::size_t size) {
    return std::min<std::size_t>(size, 1);
  }
};

}  // namespace weft::fs

#endif  // WEFT_TESTS_FS_HALTING_SYSTEM_H_
