// Reading PEM.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/pem.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/small_file.h"
#include "weft/net/tls/tls_error.h"

namespace weft::net::tls {
namespace {

// Without one, OpenSSL asks at the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

// The certificates of every authority that there is have a quarter of this.
constexpr std::size_t kLargestFile = std::size_t{1} << 20;

absl::Status NoMemory() {
  return TakeErrors(absl::StatusCode::kResourceExhausted, "PEM text");
}

// Borrows: `text`.
absl::StatusOr<OpensslPointer<BIO>> OpenText(const std::string& text) {
  if (text.size() > std::numeric_limits<int>::max()) {
    return absl::InvalidArgumentError("PEM text of more than two gigabytes");
  }
  OpensslPointer<BIO> bio(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (bio == nullptr) return NoMemory();
  return bio;
}

// BIO_s_mem(3): it clears its memory when it is freed, and says that there may
// be more later where nothing is left, unless it is told otherwise.
absl::StatusOr<OpensslPointer<BIO>> OpenCopy(const std::string& text) {
  OpensslPointer<BIO> bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr) return NoMemory();
  BIO_set_mem_eof_return(bio.get(), 0);
  const int size = static_cast<int>(text.size());
  if (size > 0 && BIO_write(bio.get(), text.data(), size) != size) {
    return NoMemory();
  }
  return bio;
}

}  // namespace

absl::StatusOr<OpensslPointer<BIO>> Pem::Open() const {
  ClearErrors();
  if (!is_file_) return OpenText(value_);
  absl::StatusOr<std::string> text = ReadSmallFile(value_, kLargestFile);
  if (!text.ok()) return std::move(text).status();
  absl::StatusOr<OpensslPointer<BIO>> bio = OpenCopy(*text);
  OPENSSL_cleanse(text->data(), text->size());  // It may be a key.
  return bio;
}

absl::StatusOr<std::vector<OpensslPointer<X509>>> Pem::Certificates() const {
  absl::StatusOr<OpensslPointer<BIO>> bio = Open();
  if (!bio.ok()) return std::move(bio).status();
  std::vector<OpensslPointer<X509>> certificates;
  while (OpensslPointer<X509> next{
      PEM_read_bio_X509(bio->get(), nullptr, NoPassword, nullptr)}) {
    certificates.push_back(std::move(next));
  }
  // "No start line" is how the end of the text is told.
  const bool at_end =
      ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!at_end || certificates.empty()) {
    return TakeErrors(absl::StatusCode::kInvalidArgument,
                      absl::StrCat("certificates of ", Name()));
  }
  ClearErrors();
  return certificates;
}

absl::StatusOr<OpensslPointer<EVP_PKEY>> Pem::PrivateKey() const {
  absl::StatusOr<OpensslPointer<BIO>> bio = Open();
  if (!bio.ok()) return std::move(bio).status();
  OpensslPointer<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(bio->get(), nullptr, NoPassword, nullptr));
  if (key != nullptr) return key;
  return TakeErrors(absl::StatusCode::kInvalidArgument,
                    absl::StrCat("private key of ", Name()));
}

std::string Pem::Name() const {
  return is_file_ ? absl::StrCat("\"", value_, "\"") : "PEM text";
}

}  // namespace weft::net::tls
