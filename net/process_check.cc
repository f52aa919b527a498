// One check for each kind of option.
//
// SPDX-License-Identifier: MIT

#include "weft/net/process_check.h"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace weft::net {
namespace {

// exec(3) would end each of them there.
absl::Status CheckStrings(const ProcessOptions& options) {
  const auto has_zero = [](const std::string& string) {
    return string.find('\0') != std::string::npos;
  };
  bool found = has_zero(options.program) || has_zero(options.argument_zero) ||
               has_zero(options.folder);
  for (const std::string& argument : options.arguments) {
    found = found || has_zero(argument);
  }
  for (const auto& [name, value] : options.environment) {
    found = found || has_zero(value.value_or(""));
  }
  if (!found) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(NameOfStart(options),
                   ": a zero byte in the program's name, an argument, a "
                   "variable or the folder"));
}

// environ(7): a name ends at the first "=". One that has one would name another
// variable, and an empty one none.
absl::Status CheckNames(const ProcessOptions& options) {
  for (const auto& [name, value] : options.environment) {
    constexpr std::string_view kNever("=\0", 2);
    if (!name.empty() && name.find_first_of(kNever) == std::string::npos) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat(NameOfStart(options), ": no variable can be named \"",
                     absl::CHexEscape(name), "\""));
  }
  return absl::OkStatus();
}

constexpr const char* kNamesOfStreams[] = {"standard input", "standard output",
                                           "standard error"};

// What is wrong with one that leads to nothing, most likely what could not be
// opened, and was not looked at; or to an output that is itself. Null: nothing.
const char* ProblemOf(const Redirect& redirect, int number) {
  if (redirect.leads_to_nothing()) {
    return "is a Redirect::To an empty descriptor";
  }
  if (redirect.kind() == Redirect::Kind::kStandardOutput &&
      number != STDERR_FILENO) {
    return "is Redirect::ToStandardOutput(), which only the standard error "
           "can be";
  }
  return nullptr;
}

absl::Status CheckRedirects(const ProcessOptions& options) {
  const Redirect* const redirects[] = {&options.standard_input,
                                       &options.standard_output,
                                       &options.standard_error};
  for (int number = 0; number < 3; ++number) {
    const char* const problem = ProblemOf(*redirects[number], number);
    if (problem == nullptr) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        NameOfStart(options), ": the ", kNamesOfStreams[number], " ", problem));
  }
  return absl::OkStatus();
}

// Behind the three standard streams, and within what a program may have open
// that has not asked for more: getrlimit(2), on Linux. Each number below the
// highest costs an action.
constexpr int kLowestPassedOn = STDERR_FILENO + 1;
constexpr int kHighestPassedOn = 1023;

absl::Status CheckNumber(const ProcessOptions& options, int number) {
  const int limit = LimitOfDescriptors();
  const int highest = std::min(kHighestPassedOn, limit - 1);
  if (number >= kLowestPassedOn && number <= highest) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      NameOfStart(options), ": no descriptor can be passed on as number ",
      number, ", but from ", kLowestPassedOn, " to ", highest,
      highest < kHighestPassedOn
          ? absl::StrCat(": this program's RLIMIT_NOFILE is ", limit)
          : ""));
}

absl::Status CheckDescriptors(const ProcessOptions& options) {
  for (const auto& [number, descriptor] : options.descriptors) {
    absl::Status usable = CheckNumber(options, number);
    if (!usable.ok()) return usable;
    if (!descriptor.empty()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(NameOfStart(options), ": the descriptor to be number ",
                     number, " is empty"));
  }
  return absl::OkStatus();
}

}  // namespace

int LimitOfDescriptors() {
  constexpr int kNone = std::numeric_limits<int>::max();
  const long limit = ::sysconf(_SC_OPEN_MAX);  // -1 where there is none.
  return limit == -1 ? kNone : static_cast<int>(std::min<long>(limit, kNone));
}

absl::Status CheckOptions(const ProcessOptions& options) {
  absl::Status usable = CheckStrings(options);
  usable.Update(CheckNames(options));
  usable.Update(CheckRedirects(options));
  usable.Update(CheckDescriptors(options));
  return usable;
}

std::string NameOfStart(const ProcessOptions& options) {
  const std::string program = absl::CHexEscape(options.program);
  if (options.folder.empty()) return absl::StrCat("start(\"", program, "\")");
  return absl::StrCat("start(\"", program, "\" in \"",
                      absl::CHexEscape(options.folder), "\")");
}

}  // namespace weft::net
