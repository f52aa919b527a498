// Emptying OpenSSL's queue of errors into one message.
//
// SPDX-License-Identifier: MIT

#include "weft/net/tls/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace weft::net::tls {
namespace {

// Without the file and line of OpenSSL's source, which ERR_error_string gives
// too: they help nobody here.
std::string Describe(unsigned long error, const char* data, int flags) {
  const char* const reason = ERR_reason_error_string(error);
  std::string text = reason != nullptr
                         ? std::string(reason)
                         : absl::StrCat("error ", ERR_GET_REASON(error));
  if ((flags & ERR_TXT_STRING) != 0 && data != nullptr && *data != '\0') {
    absl::StrAppend(&text, " (", data, ")");
  }
  return text;
}

}  // namespace

void ClearErrors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

absl::Status TakeErrors(absl::StatusCode code, std::string_view what) {
  std::string message(what);
  const char* separator = ": ";
  const char* data = nullptr;
  int flags = 0;
  while (const unsigned long error =
             ERR_get_error_all(nullptr, nullptr, nullptr, &data, &flags)) {
    absl::StrAppend(&message, separator, Describe(error, data, flags));
    separator = "; ";
  }
  return absl::Status(code, message);
}

bool PeerSentAlert() noexcept {
  const unsigned long error = ERR_peek_error();
  return ERR_GET_LIB(error) == ERR_LIB_SSL &&
         ERR_GET_REASON(error) >= SSL_AD_REASON_OFFSET;
}

}  // namespace weft::net::tls
