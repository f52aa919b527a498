// The plain way to count, without the runtime.
//
// SPDX-License-Identifier: MIT

#include "collection.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "word_count.h"

namespace tour {
namespace {

namespace stdfs = std::filesystem;

constexpr std::size_t kMostFiles = 2'000;
constexpr std::uintmax_t kLargestFile = 256 * 1024;

// A path of the protocol is a part of a line.
bool IsWanted(const stdfs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  return !absl::StartsWith(name, ".") && name != "build" &&
         !absl::StrContains(entry.path().string(), '\n');
}

absl::StatusOr<std::string> ReadPlainly(const stdfs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) {
    return absl::UnavailableError(absl::StrCat("cannot read ", path.string()));
  }
  return text;
}

}  // namespace

absl::StatusOr<Collection> CountOneByOne(const std::string& directory) {
  std::error_code error;
  Collection collection;
  collection.directory = stdfs::canonical(directory, error).string();
  if (error) {
    return absl::NotFoundError(
        absl::StrCat("no directory \"", directory, "\": ", error.message()));
  }
  stdfs::recursive_directory_iterator entry(
      collection.directory, stdfs::directory_options::skip_permission_denied,
      error);
  for (; !error && entry != stdfs::end(entry); entry.increment(error)) {
    std::error_code gone;  // Files come and go.
    if (!IsWanted(*entry)) {
      if (entry->is_directory(gone)) entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file(gone) || entry->is_symlink(gone)) continue;
    if (collection.files.size() == kMostFiles ||
        entry->file_size(gone) > kLargestFile) {
      collection.complete = false;
      continue;
    }
    const absl::StatusOr<std::string> text = ReadPlainly(entry->path());
    if (!text.ok()) continue;
    const std::int64_t words = CountWords(*text);
    collection.files.push_back(
        {stdfs::relative(entry->path(), collection.directory).string(), words});
    collection.bytes += static_cast<std::int64_t>(text->size());
    collection.words += words;
  }
  if (collection.files.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no file to count in \"", directory, "\""));
  }
  return collection;
}

}  // namespace tour
