// Reading what the kernel says of our control group, and of those around it.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/processor_quota.h"

#include <fcntl.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"

namespace weft::internal {
namespace {

constexpr char kMountedAt[] = "/sys/fs/cgroup";

// What a small file of the kernel's says; empty where there is none.
std::string ReadAll(reactor::System& system, const std::string& path) {
  const int number = reactor::RetryInterrupted(
      [&] { return system.open(path.c_str(), O_RDONLY | O_CLOEXEC, 0); });
  if (number < 0) return "";
  const reactor::Fd file(number, system);
  std::array<char, 4096> text;
  const ssize_t size = reactor::RetryInterrupted(
      [&] { return system.read(file.get(), text.data(), text.size()); });
  return size > 0 ? std::string(text.data(), size) : "";
}

// The path of our group below kMountedAt: "" or "/system.slice/some.service".
std::string OwnGroup(reactor::System& system) {
  const std::string groups = ReadAll(system, "/proc/self/cgroup");
  for (absl::string_view line : absl::StrSplit(groups, '\n')) {
    if (absl::ConsumePrefix(&line, "0::")) return std::string(line);
  }
  return "";
}

std::optional<int> QuotaOf(reactor::System& system, const std::string& group) {
  const std::string limit =
      ReadAll(system, absl::StrCat(kMountedAt, group, "/cpu.max"));
  const std::pair<std::string, std::string> fields =
      absl::StrSplit(absl::StripSuffix(limit, "\n"), ' ');
  double quota = 0;
  double period = 0;
  if (!absl::SimpleAtod(fields.first, &quota) ||  // "max"
      !absl::SimpleAtod(fields.second, &period) || period <= 0) {
    return std::nullopt;
  }
  return std::max(1, static_cast<int>(std::ceil(quota / period)));
}

}  // namespace

std::optional<int> ProcessorQuota(reactor::System& system) {
  std::optional<int> smallest;
  std::string group = OwnGroup(system);
  for (;;) {
    if (group == "/") group.clear();
    const std::optional<int> quota = QuotaOf(system, group);
    if (quota.has_value())
      smallest = std::min(*quota, smallest.value_or(*quota));
    const auto slash = group.rfind('/');
    if (slash == std::string::npos) return smallest;
    group.resize(slash);
  }
}

}  // namespace weft::internal
