// CipherBuffer: bytes that came and were not decrypted, or were encrypted and
// not sent. It has memory only while there are any.
//
//     [ consumed | contents | room ]
//                ^begin_    ^end_   ^capacity_
//
// Rejected: OpenSSL's own BIO_s_mem, which keeps its largest size for ever and
// moves what is left to the front at every read; and a ring, whose contents
// would be two pieces, and so two system calls.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_TLS_CIPHER_BUFFER_H_
#define WEFT_NET_TLS_CIPHER_BUFFER_H_

#include <cstddef>
#include <memory>
#include <span>

namespace weft::net::tls {

// Threads: one at a time.
class CipherBuffer {
 public:
  bool empty() const noexcept { return begin_ == end_; }
  std::span<const std::byte> contents() const noexcept {
    return std::span(bytes_.get() + begin_, end_ - begin_);
  }

  // Takes the first `count` of the contents away. With the last of them goes
  // the memory.
  void Consume(std::size_t count) noexcept;

  // Memory behind the contents for `size` bytes to be put into, until the
  // buffer is used again; empty where there is none to be had. Commit makes
  // the first `count` of them contents, or, with 0 where there are no others,
  // gives the memory back.
  std::span<std::byte> Room(std::size_t size) noexcept;
  void Commit(std::size_t count) noexcept;

  // False, and nothing has changed, where there is no memory. (No exception:
  // OpenSSL, which is C, stands between this and who could catch it.)
  [[nodiscard]] bool Append(std::span<const std::byte> bytes) noexcept;

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace weft::net::tls

#endif  // WEFT_NET_TLS_CIPHER_BUFFER_H_
