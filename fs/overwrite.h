// Overwrite: what becomes of what has the name that something is to get.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_OVERWRITE_H_
#define WEFT_FS_OVERWRITE_H_

namespace weft::fs {

enum class Overwrite {
  kYes,  // What had the name is replaced, in one step.
  kNo,   // ALREADY_EXISTS, and it is untouched.
};

}  // namespace weft::fs

#endif  // WEFT_FS_OVERWRITE_H_
