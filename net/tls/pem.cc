// Reading PEM.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "weft/net/tls/tls_error.h"

namespace weft::net::tls {
namespace {

// Without one, OpenSSL asks at the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

}  // namespace

absl::StatusOr<OpensslPointer<BIO>> Pem::Open() const {
  ClearErrors();
  if (value_.size() > std::numeric_limits<int>::max()) {
    return absl::InvalidArgumentError("PEM text of more than two gigabytes");
  }
  errno = 0;
  OpensslPointer<BIO> bio(
      is_file_
          ? BIO_new_file(value_.c_str(), "r")
          : BIO_new_mem_buf(value_.data(), static_cast<int>(value_.size())));
  if (bio != nullptr) return bio;
  const int error = errno;
  if (is_file_ && error != 0) {
    ClearErrors();
    return absl::ErrnoToStatus(error, absl::StrCat("open(\"", value_, "\")"));
  }
  return TakeErrors(absl::StatusCode::kResourceExhausted, Name());
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
