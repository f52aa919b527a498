// Asking and checking.
//
// SPDX-License-Identifier: MIT

#include "client.h"

#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "line_reader.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace tour {

using weft::OrReturn, weft::Task;

Task<absl::StatusOr<std::vector<absl::Duration>>> Ask(
    weft::net::Address service, Questions questions,
    std::atomic<int>& answered) {
  std::vector<absl::Duration> latencies;
  latencies.reserve(questions.size());
  weft::net::TcpStream stream =
      co_await OrReturn(weft::net::TcpStream::Connect(service));
  LineReader lines(stream);
  for (const CountedFile* file : questions) {
    const weft::Instant asked = weft::Now();
    const std::string question = absl::StrCat("count ", file->path, "\n");
    co_await OrReturn(stream.WriteAll(std::as_bytes(std::span(question))));
    std::optional<std::string> answer = co_await OrReturn(lines.Next());
    latencies.push_back(weft::Now() - asked);
    const std::string expected = absl::StrCat(file->words);
    if (answer != expected) {
      co_return absl::InternalError(
          absl::StrCat("wrong answer for ", file->path, ": expected ", expected,
                       ", got ", answer.value_or("no answer")));
    }
    // relaxed: a number for a progress bar.
    answered.fetch_add(1, std::memory_order_relaxed);
  }
  co_return latencies;
}

}  // namespace tour
