// Accepting, reading requests, and answering them.
//
// SPDX-License-Identifier: MIT

#include "service.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "line_reader.h"
#include "weft/fs/read_file.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/scope.h"
#include "word_count.h"

namespace tour {
namespace {

using weft::OrReturn, weft::Task;
using weft::net::TcpStream;

// Nothing outside of the directory is anybody's business, but what a symbolic
// link in it leads to: whoever put that there meant it to be read.
bool StaysInside(absl::string_view path) {
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  return !path.empty() && path.front() != '/' &&
         std::find(parts.begin(), parts.end(), "..") == parts.end();
}

Task<std::string> Answer(const std::string& directory, std::string request) {
  absl::string_view path = request;
  if (!absl::ConsumePrefix(&path, "count ")) {
    co_return "error INVALID_ARGUMENT: ask \"count PATH\"\n";
  }
  if (!StaysInside(path)) {
    co_return "error PERMISSION_DENIED: only files below the directory\n";
  }
  const absl::StatusOr<std::string> text =
      co_await weft::fs::ReadFile(absl::StrCat(directory, "/", path));
  if (!text.ok()) {
    co_return absl::StrCat("error ", text.status().ToString(), "\n");
  }
  co_return absl::StrCat(CountWords(*text), "\n");
}

Task<absl::Status> Converse(TcpStream& client, const std::string& directory) {
  LineReader lines(client);
  while (true) {
    std::optional<std::string> request = co_await OrReturn(lines.Next());
    if (!request.has_value()) co_return absl::OkStatus();
    const std::string answer = co_await Answer(directory, *std::move(request));
    co_await OrReturn(client.WriteAll(std::as_bytes(std::span(answer))));
  }
}

// How one conversation ends is no error of the service: so nothing of it
// reaches the scope, where it would end the others.
Task<> ServeOne(TcpStream client, const std::string& directory) {
  const absl::Status ended = co_await Converse(client, directory);
  if (!ended.ok()) client.Abort();
}

}  // namespace

Task<absl::Status> Serve(weft::net::TcpListener& listener,
                         std::string directory) {
  co_return co_await weft::WithScope(
      [&](weft::Scope& clients) -> Task<absl::Status> {
        for (;;) {
          TcpStream client = co_await OrReturn(listener.Accept());
          clients.Spawn(ServeOne, std::move(client), std::cref(directory));
        }
      });
}

}  // namespace tour
