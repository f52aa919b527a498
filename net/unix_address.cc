// Text to the system's form and back.
//
// SPDX-License-Identifier: MIT

#include "weft/net/unix_address.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

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
  return UnixAddress(text);
}

UnixAddress::UnixAddress(std::string_view text) noexcept
    : size_(static_cast<std::uint8_t>(text.size())) {
  std::ranges::copy(text, text_.begin());
}

UnixAddress::SystemForm UnixAddress::ToSystem() const noexcept {
  SystemForm form;
  form.space_.sun_family = AF_UNIX;
  std::ranges::copy(text(), form.space_.sun_path);
  // The zero at the end of a path is counted, but where it has no room: Linux
  // lets a path fill sun_path. An abstract name has none, and one that were
  // counted would be a part of it.
  const std::size_t size =
      std::min(kPathOffset + size_ + (is_path() ? 1 : 0), sizeof(form.space_));
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
  // A path that fills the room has its zero behind it, which may be counted.
  std::string_view text(form.space_.sun_path,
                        std::min(form.size() - kPathOffset, kRoom));
  if (text[0] == '\0' && kAbstractNames) {
    UnixAddress name(text);
    name.text_[0] = '@';
    return name;
  }
  text = text.substr(0, text.find('\0'));
  if (!text.starts_with('@')) return UnixAddress(text);
  // A file of that name, and no abstract one: as Parse wants it written.
  constexpr std::string_view kHere = "./";
  if (text.size() + kHere.size() > kRoom) return UnixAddress();  // Unsayable.
  UnixAddress file(kHere);
  std::ranges::copy(text, file.text_.begin() + kHere.size());
  file.size_ = static_cast<std::uint8_t>(kHere.size() + text.size());
  return file;
}

}  // namespace weft::net
