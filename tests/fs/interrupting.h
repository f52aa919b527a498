// A system that interrupts every call on names and directories once before it
// lets it through.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_FS_INTERRUPTING_H_
#define WEFT_TESTS_FS_INTERRUPTING_H_

#include <dirent.h>
#include <sys/types.h>
#include <time.h>

#include <cerrno>
#include <cstddef>

#include "weft/runtime/testing/simulated_system.h"

namespace weft::fs {

class Interrupting : public weft::testing::SimulatedSystem {
 public:
  DIR* opendir(const char* path) override {
    return Interrupt() ? nullptr : SimulatedSystem::opendir(path);
  }
  dirent* readdir(DIR* directory) override {
    return Interrupt() ? nullptr : SimulatedSystem::readdir(directory);
  }
  int mkdir(const char* path, mode_t mode) override {
    return Interrupt() ? -1 : SimulatedSystem::mkdir(path, mode);
  }
  int rmdir(const char* path) override {
    return Interrupt() ? -1 : SimulatedSystem::rmdir(path);
  }
  int unlink(const char* path) override {
    return Interrupt() ? -1 : SimulatedSystem::unlink(path);
  }
  int rename(const char* from, const char* to) override {
    return Interrupt() ? -1 : SimulatedSystem::rename(from, to);
  }
  int chmod(const char* path, mode_t mode) override {
    return Interrupt() ? -1 : SimulatedSystem::chmod(path, mode);
  }
  int fchownat(int directory, const char* path, uid_t user, gid_t group,
               int flags) override {
    if (Interrupt()) return -1;
    return SimulatedSystem::fchownat(directory, path, user, group, flags);
  }
  int statvfs(const char* path, reactor::FileSystemSpace* out) override {
    return Interrupt() ? -1 : SimulatedSystem::statvfs(path, out);
  }
  int rename_noreplace(const char* from, const char* to) override {
    return Interrupt() ? -1 : SimulatedSystem::rename_noreplace(from, to);
  }
  int utimensat(int directory, const char* path, const timespec times[2],
                int flags) override {
    if (Interrupt()) return -1;
    return SimulatedSystem::utimensat(directory, path, times, flags);
  }
  int link(const char* from, const char* to) override {
    return Interrupt() ? -1 : SimulatedSystem::link(from, to);
  }
  int symlink(const char* target, const char* path) override {
    return Interrupt() ? -1 : SimulatedSystem::symlink(target, path);
  }
  ssize_t readlink(const char* path, char* target, std::size_t size) override {
    return Interrupt() ? -1 : SimulatedSystem::readlink(path, target, size);
  }
  char* realpath(const char* path, char* resolved) override {
    return Interrupt() ? nullptr : SimulatedSystem::realpath(path, resolved);
  }
  char* mkdtemp(char* pattern) override {
    return Interrupt() ? nullptr : SimulatedSystem::mkdtemp(pattern);
  }
  int openat(int directory, const char* path, int flags, mode_t mode) override {
    if (Interrupt()) return -1;
    return SimulatedSystem::openat(directory, path, flags, mode);
  }
  int unlinkat(int directory, const char* path, int flags) override {
    return Interrupt() ? -1 : SimulatedSystem::unlinkat(directory, path, flags);
  }
  DIR* fdopendir(int fd) override {
    return Interrupt() ? nullptr : SimulatedSystem::fdopendir(fd);
  }

 protected:
  bool Interrupt() {
    interrupts_ = !interrupts_;
    if (interrupts_) errno = EINTR;
    return interrupts_;
  }

 private:
  bool interrupts_ = false;
};

}  // namespace weft::fs

#endif  // WEFT_TESTS_FS_INTERRUPTING_H_
