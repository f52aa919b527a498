// NewFile: a file that has just been made, under a name that nobody else has.
//
// What is to replace another file is written under such a name beside it, and
// then renamed: a reader never sees half of it.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_NEW_FILE_H_
#define WEFT_FS_NEW_FILE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::fs {

// Names to try, one after the other: the time and a number that this program
// has not used before. Where another had the same idea, the next number. Not
// random: O_EXCL is what keeps others out, not that they cannot guess.
class NewNames {
 public:
  // `directory` ends in a slash.
  NewNames(reactor::System& system, std::string directory);

  bool any_left() const noexcept { return tried_ < kMostTries; }
  std::string Next();

 private:
  static constexpr int kMostTries = 1000;

  std::string beginning_;
  int tried_ = 0;
};

struct NewFile {
  reactor::Fd fd;
  std::string path;
};

// Makes an empty file `directory`/.weft-*.tmp, open for reading and writing.
// Nobody's file is opened for it, nor a link followed. `wanted_for` is what an
// error names. Blocks.
//
// Errors: those of open(2).
absl::StatusOr<NewFile> MakeNewFile(reactor::System& system,
                                    const std::string& directory,
                                    mode_t permissions,
                                    const std::string& wanted_for);

// Closes and removes it, for it is not wanted: because of `why`, or OK where it
// has another name by now. Gives `why`, and what the removal has to say where
// the name stays: nobody knows that name but the error. Blocks.
absl::Status RemoveNewFile(reactor::System& system, NewFile& file,
                           absl::Status why);

// The directory that holds the last name of `path`, with a slash at its end.
std::string DirectoryOf(const std::string& path);

}  // namespace weft::fs

#endif  // WEFT_FS_NEW_FILE_H_
