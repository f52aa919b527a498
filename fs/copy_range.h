// CopyRange: bytes from one file to another that need not pass through the
// program.
//
//     std::uint64_t copied =
//         co_await OrReturn(CopyRange(from, 0, to, 0, size));
//
//     copy_file_range --> the file system shares or copies the blocks itself
//          `--> it cannot, between these two: read and write, through a buffer
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_COPY_RANGE_H_
#define WEFT_FS_COPY_RANGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/fs/file.h"
#include "weft/reactor/system.h"
#include "weft/runtime/task.h"

namespace weft::fs {

// A copy on its way, in steps. For CopyRange and CopyFile. Its functions block.
//
// Borrows: the system, the descriptors and the names, which errors are given.
class RangeCopy {
 public:
  struct End {
    int fd;
    std::uint64_t offset;
    const std::string& path;
  };

  RangeCopy(reactor::System& system, End from, End to,
            std::uint64_t size) noexcept
      : system_(system), from_(from), to_(to), rest_(size) {}

  // Copies some more: as much as is worth a trip to the pool, and little enough
  // for a cancellation to be heeded. True when all is copied, or `from` has
  // ended.
  absl::StatusOr<bool> Step();

  // Bytes so far.
  std::uint64_t copied() const noexcept { return copied_; }

 private:
  absl::StatusOr<std::size_t> CopyInKernel();
  absl::StatusOr<std::size_t> CopyThroughBuffer();
  absl::StatusOr<std::size_t> Read(std::size_t size);
  absl::Status Write(std::size_t size);
  void Advance(std::size_t size) noexcept;

  reactor::System& system_;
  End from_;
  End to_;
  std::uint64_t rest_;
  std::uint64_t copied_ = 0;
  bool in_kernel_ = true;
  std::vector<std::byte> buffer_;  // Empty as long as the kernel copies.
};

// Copies `size` bytes of `from`, or all up to its end, to `to`; gives how many.
// Neither cursor is used or moved. The two may be one file where the ranges do
// not overlap.
//
// Suspends: until it is done, in trips to the pool of some megabytes each.
// Cancel:   CANCELLED; an unknown part has been copied.
// Borrows:  the files.
// Errors:   INVALID_ARGUMENT where the ranges overlap; FAILED_PRECONDITION for
//           a `to` that was opened to append; those of reading and writing, and
//           then an unknown part has been copied.
Task<absl::StatusOr<std::uint64_t>> CopyRange(const File& from,
                                              std::uint64_t from_offset,
                                              const File& to,
                                              std::uint64_t to_offset,
                                              std::uint64_t size);

}  // namespace weft::fs

#endif  // WEFT_FS_COPY_RANGE_H_
