// Programs that every system has, to be started by tests, and what they say.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_CHILD_PROGRAMS_H_
#define WEFT_TESTS_NET_CHILD_PROGRAMS_H_

#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "weft/net/exit_status.h"
#include "weft/net/pipe.h"
#include "weft/net/process.h"
#include "weft/net/process_options.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"

namespace weft::tests {

inline net::ProcessOptions Shell(std::string script) {
  return net::ProcessOptions("sh", {"-c", std::move(script)});
}

inline net::ProcessOptions SleepForEver() {
  return net::ProcessOptions("sleep", {"1000"});
}

inline Task<absl::StatusOr<net::ExitStatus>> RunIt(
    net::ProcessOptions options) {
  net::Process process =
      co_await OrReturn(net::Process::Spawn(std::move(options)));
  co_return co_await process.Wait();
}

inline Task<absl::StatusOr<std::string>> ReadAll(net::PipeReader from) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  for (;;) {
    std::size_t got = co_await OrReturn(from.Read(buffer));
    if (got == 0) co_return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
}

// What it writes to its standard output.
inline Task<absl::StatusOr<std::string>> OutputOf(net::ProcessOptions options) {
  options.standard_output = net::Redirect::Pipe();
  net::Process process =
      co_await OrReturn(net::Process::Spawn(std::move(options)));
  std::string text = co_await OrReturn(ReadAll(process.TakeStdout()));
  co_await OrReturn(process.Wait());
  co_return text;
}

}  // namespace weft::tests

#endif  // WEFT_TESTS_NET_CHILD_PROGRAMS_H_
