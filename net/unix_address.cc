// Text to the system's form and back.
//
// SPDX-License-Identifier: MIT

#include "weft/net/unix_address.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "weft/reactor/string_view.h"

namespace weft::net {
namespace {

// Where a path begins in the system's form, and so the size of an unnamed one.
constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);

#ifdef __linux__  // Drop when another system has them.
constexpr bool kAbstractNames = true;
#else
constexpr bool kAbstractNames = false;
#endif

absl::Status Bad(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", absl::CHexEscape(reactor::ToAbseil(text)),
                   "\": ", reactor::ToAbseil(why)));
}

}  // namespace

absl::StatusOr<UnixAddress> UnixAddress::Parse(std::string_view text) {
  if (text.empty()) return Bad(text, "an empty path");
  if (text.size() > kMaxSize) {
    return Bad(text, absl::StrCat("longer than the ", kMaxSize,
                                  " bytes that a socket's path may have: bind "
                                  "in a folder with a shorter name"));
  }
  if (text.find('\0') != std::string_view::npos) {
    return Bad(text, "a zero byte in a path");
  }
  if (text[0] == '@' && !kAbstractNames) {
    return Bad(text,
               "only Linux has abstract names; a path that begins so is "
               "written \"./@...\"");
  }
  return UnixAddress(std::string(text));
}

UnixAddress::SystemForm UnixAddress::ToSystem() const noexcept {
  SystemForm form;
  form.space_.sun_family = AF_UNIX;
  std::ranges::copy(text_, form.space_.sun_path);
  // The zero at the end of a path is counted, but where it has no room: Linux
  // lets a path fill sun_path. An abstract name has none, and one that were
  // counted would be a part of it.
  const std::size_t size = std::min(
      kPathOffset + text_.size() + (is_path() ? 1 : 0), sizeof(form.space_));
  if (is_abstract()) form.space_.sun_path[0] = '\0';
  form.size_ = static_cast<socklen_t>(size);
  return form;
}

absl::StatusOr<UnixAddress> UnixAddress::FromSystem(const SystemForm& form) {
  // Some systems say that an unnamed socket's address has no bytes at all.
  if (form.size() <= kPathOffset) return UnixAddress();
  if (form.space_.sun_family != AF_UNIX) {
    return absl::InvalidArgumentError(
        absl::StrCat("the address of a socket of another family (",
                     int{form.space_.sun_family}, ")"));
  }
  const std::size_t room = sizeof(form.space_.sun_path);
  std::string text(form.space_.sun_path,
                   std::min<std::size_t>(form.size() - kPathOffset, room));
  if (text[0] == '\0' && kAbstractNames) {
    text[0] = '@';
    return UnixAddress(std::move(text));
  }
  text.resize(std::min(text.size(), text.find('\0')));
  // A file of that name, and no abstract one: as Parse wants it written.
  if (text.starts_with('@')) text.insert(0, "./");
  if (text.size() > room) return UnixAddress();  // It cannot be said.
  return UnixAddress(std::move(text));
}

}  // namespace weft::net
