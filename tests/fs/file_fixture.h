// FileTest: a file with known contents, and a simulation in which it is opened.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_FS_FILE_FIXTURE_H_
#define WEFT_TESTS_FS_FILE_FIXTURE_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/fs/file.h"
#include "weft/fs/open_options.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::fs {

inline constexpr OpenOptions kReadWrite = {.access = Access::kReadWrite};

inline std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Room for a few bytes, and what was read into it as text.
class Buffer {
 public:
  explicit Buffer(std::size_t size) : text_(size, '.') {}

  std::span<std::byte> span() {
    return std::as_writable_bytes(std::span(text_));
  }
  std::string First(std::size_t size) const { return text_.substr(0, size); }

 private:
  std::string text_;
};

// A directory with a file "file" in it that holds "0123456789".
class FileTest : public ::testing::Test {
 protected:
  FileTest() { directory_.Write("file", "0123456789"); }

  // Opens the file in a simulation of `system` and runs test(file).
  template <typename Test>
  absl::Status WithFile(weft::testing::SimulatedSystem& system,
                        OpenOptions options, Test test) {
    weft::testing::Simulator sim({.seed = {}, .system = &system});
    return sim.Run(OpenAndRun<Test>(path_, options, std::move(test)));
  }
  template <typename Test>
  absl::Status WithFile(OpenOptions options, Test test) {
    return WithFile(system_, options, std::move(test));
  }

  weft::testing::TemporaryDirectory directory_;
  const std::string path_ = directory_ / "file";
  weft::testing::SimulatedSystem system_;

 private:
  template <typename Test>
  static Task<absl::Status> OpenAndRun(std::string path, OpenOptions options,
                                       Test test) {
    File file = co_await OrReturn(File::Open(path, options));
    co_return co_await test(file);
  }
};

}  // namespace weft::fs

#endif  // WEFT_TESTS_FS_FILE_FIXTURE_H_
