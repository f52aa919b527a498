// UnixAddress: where a socket of this machine is. A path in the file system, a
// name in the abstract space that Linux has beside it, or nowhere.
//
//     "/run/weft.sock"    a path: a file that is made by binding
//     "@weft"             an abstract name: gone with its socket
//     ""                  unnamed: a client that was not bound, one of a pair
//
// unix(7).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_UNIX_ADDRESS_H_
#define WEFT_NET_UNIX_ADDRESS_H_

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace weft::net {

// A value of no memory but its own, like an IP address: who a datagram comes
// from can be told where there is none left.
class UnixAddress {
 public:
  // A path or a name and the zeros around it, as the kernel counts them: less
  // than sun_path has room for.
  static constexpr std::size_t kMaxSize = sizeof(sockaddr_un::sun_path) - 1;

  class SystemForm;

  // Unnamed.
  UnixAddress() = default;

  // Reads a path, or `@` and an abstract name. A path that begins with `@` is
  // written "./@...".
  //
  // Errors: INVALID_ARGUMENT for what is empty, too long (107 bytes on Linux,
  //         103 on macOS) or has a zero byte in it, and for an abstract name
  //         where there are none.
  static absl::StatusOr<UnixAddress> Parse(std::string_view text);

  // INVALID_ARGUMENT for another family.
  static absl::StatusOr<UnixAddress> FromSystem(const SystemForm& form);

  bool is_path() const noexcept { return size_ > 0 && text_[0] != '@'; }
  bool is_abstract() const noexcept { return size_ > 0 && text_[0] == '@'; }
  bool is_unnamed() const noexcept { return size_ == 0; }

  // What Parse reads; but of other programs a path of 108 bytes, too, and an
  // abstract name with zeros in it.
  std::string ToString() const { return std::string(text()); }

  SystemForm ToSystem() const noexcept;

  friend bool operator==(const UnixAddress&, const UnixAddress&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const UnixAddress& address) {
    return H::combine(std::move(state), address.text());
  }
  friend std::ostream& operator<<(std::ostream& out,
                                  const UnixAddress& address) {
    return out << address.text();
  }

 private:
  // Linux lets a path fill the room, and counts no zero at its end then.
  static constexpr std::size_t kRoom = sizeof(sockaddr_un::sun_path);

  // Requires: at most kRoom bytes.
  explicit UnixAddress(std::string_view text) noexcept;

  std::string_view text() const noexcept { return {text_.data(), size_}; }

  // An abstract name has an `@` where the kernel has a 0.
  std::array<char, kRoom> text_{};  // Zeros behind it, so that equal is equal.
  std::uint8_t size_ = 0;
};

// As Address::SystemForm.
class UnixAddress::SystemForm {
 public:
  // Zeroes, with room for the longest form.
  SystemForm() noexcept : space_{}, size_(sizeof(space_)) {}

  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&space_); }
  const sockaddr* get() const noexcept {
    return reinterpret_cast<const sockaddr*>(&space_);
  }
  socklen_t size() const noexcept { return size_; }
  socklen_t* size_to_fill() noexcept { return &size_; }

 private:
  friend class UnixAddress;  // Its enclosing class.

  sockaddr_un space_;
  socklen_t size_;
};

}  // namespace weft::net

#endif  // WEFT_NET_UNIX_ADDRESS_H_
