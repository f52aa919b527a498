// The files that the tour is about, and the truth about them: counted one by
// one, with nothing but the C++ library. What the service answers is held
// against this.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_EXAMPLES_TOUR_COLLECTION_H_
#define WEFT_EXAMPLES_TOUR_COLLECTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace tour {

struct CountedFile {
  std::string path;  // Below the collection's directory.
  std::int64_t words = 0;
};

struct Collection {
  std::string directory;
  std::vector<CountedFile> files;
  std::int64_t bytes = 0;
  std::int64_t words = 0;
  bool complete = true;  // Whether every file is in it: see the limits.
};

// Reads the regular files below `directory`, hidden ones and folders named
// `build` left out; at most 2,000 files of at most 256 KiB each.
//
// Errors: NOT_FOUND where there is no such directory or no file in it.
absl::StatusOr<Collection> CountOneByOne(const std::string& directory);

}  // namespace tour

#endif  // WEFT_EXAMPLES_TOUR_COLLECTION_H_
