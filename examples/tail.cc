// Prints the last lines of a file, and then what is added to it, until Ctrl-C,
// as `tail -F` does: also when it is cut off, removed, or replaced by another
// of its name. Who writes a log goes over to the new file some time after it is
// there, when it is told to (logrotate(8)): so the old one is followed as well,
// until something is in the new one. What is put into the old one after that is
// not seen.
//
//     ./tail /var/log/syslog
//     ./tail /var/log/syslog 20
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/fs/file.h"
#include "weft/fs/lines.h"
#include "weft/fs/metadata.h"
#include "weft/fs/watch.h"
#include "weft/net/buffered_writer.h"
#include "weft/net/standard_streams.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/run.h"
#include "weft/runtime/task.h"

using weft::AsyncGenerator, weft::OrReturn, weft::Task;
using weft::fs::File, weft::fs::FileChange, weft::fs::Metadata;
using weft::fs::ReadLines, weft::fs::Watcher, weft::fs::WatchId;

// A log may hold anything: no line is too long.
constexpr weft::fs::LinesOptions kWithEnds = {
    .ends = weft::fs::LineEnds::kKeep,
    .max_length = std::numeric_limits<std::size_t>::max()};

struct Followed {
  std::string path;
  std::size_t slash;         // Where its last name begins.
  std::optional<File> file;  // What had the name when we last looked.
  std::uint64_t inode = 0;
  // What had it before, while nothing is in `file`.
  std::optional<File> before = std::nullopt;

  std::string directory() const {
    return slash == 0 ? "." : path.substr(0, slash);
  }
  // Other files of the directory do not matter.
  bool IsOf(const FileChange& change) const {
    return change.name.empty() || change.name == path.substr(slash);
  }
};

// A pipe whose reader is behind holds up this task, which Ctrl-C ends, and no
// thread; one whose reader is gone is an error, and so the end.
using Output = weft::net::BufferedWriter<weft::net::OutputStream>;

Task<absl::Status> PrintLast(File& file, std::size_t count, Output& output) {
  std::deque<std::string> last;
  AsyncGenerator<absl::StatusOr<std::string_view>> lines =
      ReadLines(file, kWithEnds);
  while (auto line = co_await lines.Next()) {
    std::string_view text = co_await OrReturn(*std::move(line));
    last.emplace_back(text);
    if (last.size() > count) last.pop_front();
  }
  for (const std::string& text : last) co_await OrReturn(output.Write(text));
  co_return co_await output.Flush();
}

// What has been added since; all of it where it has become shorter.
Task<absl::Status> PrintNew(File& file, Output& output) {
  Metadata about = co_await OrReturn(file.GetMetadata());
  if (about.size < file.cursor()) {
    std::fputs("tail: the file was cut off\n", stderr);
    file.set_cursor(0);
  }
  AsyncGenerator<absl::StatusOr<std::string_view>> lines =
      ReadLines(file, kWithEnds);
  while (auto line = co_await lines.Next()) {
    std::string_view text = co_await OrReturn(*std::move(line));
    co_await OrReturn(output.Write(text));
  }
  co_return co_await output.Flush();
}

// The rest of the file before; and the end of it, where the new one has begun.
// That is looked at first: what was in the old one by then comes before it.
Task<absl::Status> PrintOld(Followed& followed, Output& output) {
  Metadata about = co_await OrReturn(followed.file->GetMetadata());
  co_await OrReturn(PrintNew(*followed.before, output));
  if (about.size > 0) followed.before.reset();
  co_return absl::OkStatus();
}

// Goes over to what has the name now, if that is another file.
Task<absl::Status> LookAgain(Followed& followed, Watcher& watcher,
                             Output& output) {
  absl::StatusOr<File> opened = co_await File::Open(followed.path);
  if (absl::IsNotFound(opened.status())) co_return absl::OkStatus();
  File file = co_await OrReturn(std::move(opened));
  Metadata about = co_await OrReturn(file.GetMetadata());
  const bool same = followed.file && about.inode == followed.inode;
  if (same) co_return absl::OkStatus();
  // On Linux the directory's watch tells of writes as well; not so elsewhere.
  absl::StatusOr<WatchId> watched = co_await watcher.Add(followed.path);
  // Gone again: the directory's watch tells of the next of this name.
  const bool gone = absl::IsNotFound(watched.status());
  if (!gone) co_await OrReturn(std::move(watched));
  if (followed.before) co_await OrReturn(PrintNew(*followed.before, output));
  if (followed.file) {
    std::fputs("tail: the file was replaced\n", stderr);
    followed.before.emplace(*std::move(followed.file));
  }
  followed.file.emplace(std::move(file));
  followed.inode = about.inode;
  co_return absl::OkStatus();
}

Task<absl::Status> Tail(std::string path, std::size_t count) {
  const std::size_t slash = path.rfind('/') + 1;
  Followed followed{std::move(path), slash, std::nullopt};
  Watcher watcher = co_await OrReturn(Watcher::Create());
  // Watched before it is looked at: nothing can come in between.
  co_await OrReturn(watcher.Add(followed.directory()));
  weft::net::OutputStream standard =
      co_await OrReturn(weft::net::StandardOutput());
  Output output(std::move(standard));
  co_await OrReturn(LookAgain(followed, watcher, output));
  if (followed.file) {
    co_await OrReturn(PrintLast(*followed.file, count, output));
  }
  for (;;) {
    FileChange change = co_await OrReturn(watcher.Next());
    if (!followed.IsOf(change)) continue;
    co_await OrReturn(LookAgain(followed, watcher, output));
    if (followed.before) co_await OrReturn(PrintOld(followed, output));
    if (followed.file) co_await OrReturn(PrintNew(*followed.file, output));
  }
}

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: tail FILE [LINES]\n", stderr);
    return 2;
  }
  const std::size_t count = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 10;
  return weft::RunMain(Tail, std::string(argv[1]), count);
}
