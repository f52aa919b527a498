// The others are a payload: for each, its code, the length of its message, and
// the message.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/error_group.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weft {
namespace {

constexpr char kPayload[] = "weft/joined-errors";

// Debian's Abseil has a string_view of its own.
std::string Text(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

// Cuts the front of `text` up to `separator`; all of it where there is none.
absl::string_view Cut(absl::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const absl::string_view front = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return front;
}

void CopyPayloads(const absl::Status& from, absl::Status& to) {
  from.ForEachPayload(
      [&to](auto url, const absl::Cord& value) { to.SetPayload(url, value); });
}

}  // namespace

absl::Status JoinErrors(std::vector<absl::Status> errors) {
  if (errors.empty()) return absl::OkStatus();
  if (errors.size() == 1) return std::move(errors.front());
  // A group among them is as good as its members.
  std::vector<absl::Status> all;
  for (const absl::Status& error : errors) {
    for (absl::Status& member : AllErrors(error)) {
      all.push_back(std::move(member));
    }
  }
  std::string message = Text(all.front());
  // The first one's own text, to give it back as it was.
  std::string payload = absl::StrCat(message.size(), ":", message);
  for (std::size_t i = 1; i < all.size(); ++i) {
    const std::string text = Text(all[i]);
    absl::StrAppend(&message, "; also ", all[i].ToString());
    absl::StrAppend(&payload, static_cast<int>(all[i].code()), ":", text.size(),
                    ":", text);
  }
  absl::Status joined(all.front().code(), message);
  CopyPayloads(all.front(), joined);
  joined.SetPayload(kPayload, absl::Cord(absl::string_view(payload)));
  return joined;
}

std::vector<absl::Status> AllErrors(const absl::Status& status) {
  if (status.ok()) return {};
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  if (!payload.has_value()) return {status};
  const std::string text(*payload);
  absl::string_view rest = text;
  std::vector<absl::Status> errors;
  int code = static_cast<int>(status.code());
  for (;;) {
    std::size_t length = 0;
    if (!absl::SimpleAtoi(Cut(rest, ':'), &length)) break;
    errors.emplace_back(static_cast<absl::StatusCode>(code),
                        rest.substr(0, length));
    rest.remove_prefix(std::min(length, rest.size()));
    if (rest.empty() || !absl::SimpleAtoi(Cut(rest, ':'), &code)) break;
  }
  if (errors.empty()) return {status};  // Not a payload of ours.
  CopyPayloads(status, errors.front());
  errors.front().ErasePayload(kPayload);
  return errors;
}

}  // namespace weft
