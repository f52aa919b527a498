// FileOwner: whose a file is, as one may set it.
//
//     co_await OrReturn(SetOwner("mail", {.group = kMailGroup}));
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_FS_FILE_OWNER_H_
#define WEFT_FS_FILE_OWNER_H_

#include <sys/types.h>

#include <optional>

namespace weft::fs {

// By number: names of users are in databases, and may be on other machines.
// What has no value is left as it is.
struct FileOwner {
  std::optional<uid_t> user = {};
  std::optional<gid_t> group = {};

  // As chown(2) takes them: -1, which is nobody's number, leaves one alone.
  uid_t user_or_none() const noexcept {
    return user.value_or(static_cast<uid_t>(-1));
  }
  gid_t group_or_none() const noexcept {
    return group.value_or(static_cast<gid_t>(-1));
  }
};

}  // namespace weft::fs

#endif  // WEFT_FS_FILE_OWNER_H_
