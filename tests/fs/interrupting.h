// A system that interrupts every call on names and directories once before it
// lets it through.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_FS_INTERRUPTING_H_
#define WEFT_TESTS_FS_INTERRUPTING_H_

#include <dirent.h>
#include <sys/types.h>

#include <cerrno>

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
