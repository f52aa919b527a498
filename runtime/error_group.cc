// The others are a payload: for each, its code, the length of its message, and
// the message.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/error_group.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace weft {
namespace {

constexpr char kPayload[] = "weft/joined-errors";

// Debian's Abseil has a string_view of its own.
std::string Text(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

// Cuts the front of `text` up to `separator`.
std::string Cut(std::string& text, char separator) {
  const std::size_t end = text.find(separator);
  std::string front = text.substr(0, end);
  text.erase(0, end + 1);
  return front;
}

}  // namespace

absl::Status JoinErrors(std::vector<absl::Status> errors) {
  if (errors.empty()) return absl::OkStatus();
  if (errors.size() == 1) return std::move(errors.front());
  std::string message = Text(errors.front());
  // The first one's own text, to give it back as it was.
  std::string payload = absl::StrCat(message.size(), ":", message);
  for (std::size_t i = 1; i < errors.size(); ++i) {
    const std::string text = Text(errors[i]);
    absl::StrAppend(&message, "; also ", errors[i].ToString());
    absl::StrAppend(&payload, static_cast<int>(errors[i].code()), ":",
                    text.size(), ":", text);
  }
  absl::Status joined(errors.front().code(), message);
  errors.front().ForEachPayload([&joined](auto url, const absl::Cord& value) {
    joined.SetPayload(url, value);
  });
  joined.SetPayload(kPayload, absl::Cord(absl::string_view(payload)));
  return joined;
}

std::vector<absl::Status> AllErrors(const absl::Status& status) {
  if (status.ok()) return {};
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return {status};
  std::string rest(*payload);
  std::vector<absl::Status> errors;
  int code = static_cast<int>(status.code());
  for (;;) {
    std::size_t length = 0;
    if (!absl::SimpleAtoi(Cut(rest, ':'), &length)) break;
    errors.emplace_back(static_cast<absl::StatusCode>(code),
                        rest.substr(0, length));
    rest.erase(0, length);
    if (rest.empty() || !absl::SimpleAtoi(Cut(rest, ':'), &code)) break;
  }
  return errors;
}

}  // namespace weft
