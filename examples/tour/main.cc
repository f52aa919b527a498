// The tour: a real service on real sockets and real files, asked by a thousand
// clients at once, every answer checked.
//
//     tour [DIRECTORY]            the tour; the current directory by default
//     tour --serve [DIRECTORY]    only the service, until Ctrl-C
//
//     collection    the files, and their words, counted without the runtime
//     service       answers "count PATH" over TCP       runtime, net, fs
//     crowd         a thousand clients that know better
//     switch_table  what all of this is made of, in nanoseconds
//
// Exit status 1 for a wrong answer, and whatever else goes wrong.
//
// SPDX-License-Identifier: MIT

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "collection.h"
#include "crowd.h"
#include "service.h"
#include "switch_table.h"
#include "weft/net/address.h"
#include "weft/net/tcp_listener.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/run.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/task.h"

ABSL_FLAG(bool, serve, false, "only serve, until Ctrl-C");
ABSL_FLAG(std::uint16_t, port, 0, "where to serve; 0: any port that is free");
ABSL_FLAG(int, clients, 1'000, "how many ask at the same time");
ABSL_FLAG(int, questions, 20, "how many questions each of them asks");

namespace {

using tour::Collection, tour::Questions, tour::Timing;
using weft::OrReturn, weft::Task;
using weft::net::Address, weft::net::TcpListener;

// Both ends of a connection are in this process.
int RoomForClients(int wanted) {
  constexpr int kOwn = 100;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));  // It need not work.
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const auto room =
      static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, 1'000'000));
  return static_cast<int>(
      std::clamp<std::int64_t>((room - kOwn) / 2, 1, wanted));
}

// Every client asks for other files, and together they ask for all of them.
std::vector<Questions> DealOut(const Collection& collection, int clients,
                               int questions) {
  std::vector<Questions> dealt(static_cast<std::size_t>(clients));
  std::size_t next = 0;
  for (Questions& hand : dealt) {
    for (int i = 0; i < questions; ++i) {
      hand.push_back(&collection.files[next++ % collection.files.size()]);
    }
  }
  return dealt;
}

void Print(std::string_view title, const Timing& timing) {
  absl::PrintF(
      "    %-22s %9.0f answers a second   p50 %9s   p99 %9s\n",
      std::string(title), timing.per_second(),
      absl::FormatDuration(absl::Trunc(timing.p50, absl::Nanoseconds(100))),
      absl::FormatDuration(absl::Trunc(timing.p99, absl::Nanoseconds(100))));
}

Task<absl::Status> Visit(Address service, const Collection& collection,
                         int clients, int questions) {
  const std::vector<Questions> dealt = DealOut(collection, clients, questions);
  absl::PrintF("\n  %d clients ask for the words of %d files each\n\n", clients,
               questions);
  std::fflush(stdout);
  const Timing together = co_await OrReturn(tour::AskAllAtOnce(service, dealt));
  Print("all at once", together);
  std::fflush(stdout);
  const Timing in_turn = co_await OrReturn(tour::AskOneByOne(service, dealt));
  Print("one after the other", in_turn);
  absl::PrintF("    %d answers checked, all of them right\n",
               together.answers + in_turn.answers);
  std::fflush(stdout);
  co_return absl::OkStatus();
}

// Sets `completed` at its end: a Ctrl-C before that is no error, but no end
// either.
Task<absl::Status> Tour(const Collection& collection, std::uint16_t port,
                        int clients, int questions, bool& completed) {
  TcpListener listener =
      co_await OrReturn(TcpListener::Bind(Address::Loopback(port)));
  co_return co_await weft::WithScope(
      [&](weft::Scope& scope) -> Task<absl::Status> {
        scope.Spawn(tour::Serve, std::ref(listener), collection.directory);
        co_await OrReturn(
            Visit(listener.local_address(), collection, clients, questions));
        completed = true;
        scope.Cancel();  // The service has seen its last visitor.
        co_return absl::OkStatus();
      });
}

Task<absl::Status> ServeOnly(std::string directory, std::uint16_t port) {
  TcpListener listener =
      co_await OrReturn(TcpListener::Bind(Address::Loopback(port)));
  absl::PrintF("serving %s on %s until Ctrl-C; ask it, in another terminal:\n",
               directory, listener.local_address().ToString());
  // With nothing but a shell: nc has many forms, or is not there.
  absl::PrintF(
      "  bash -c 'exec 3<>/dev/tcp/127.0.0.1/%d; echo count README.md >&3;"
      " head -n 1 <&3'\n",
      listener.local_address().port());
  std::fflush(stdout);
  co_return co_await tour::Serve(listener, std::move(directory));
}

int Fail(const absl::Status& why) {
  absl::FPrintF(stderr, "tour: %s\n", why.ToString());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "counts words in files for a crowd, and says how fast\n"
      "usage: tour [--serve] [--port=N] [DIRECTORY]");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() > 2) {
    return Fail(absl::InvalidArgumentError("one directory at most"));
  }
  const std::string directory = arguments.size() == 2 ? arguments[1] : ".";
  const std::uint16_t port = absl::GetFlag(FLAGS_port);
  const int wanted = absl::GetFlag(FLAGS_clients);
  const int questions = absl::GetFlag(FLAGS_questions);
  if (wanted < 1 || questions < 1) {
    return Fail(
        absl::InvalidArgumentError("--clients and --questions are at least 1"));
  }
  const int clients = RoomForClients(wanted);
  if (absl::GetFlag(FLAGS_serve)) {
    return weft::RunMain(ServeOnly, directory, port);
  }

  const absl::Time began = absl::Now();
  const absl::StatusOr<Collection> collection = tour::CountOneByOne(directory);
  if (!collection.ok()) return Fail(collection.status());
  absl::PrintF("weft tour: %s\n\n", collection->directory);
  absl::PrintF("  %d files, %d bytes, %d words%s; counted one by one in %s\n",
               collection->files.size(), collection->bytes, collection->words,
               collection->complete ? "" : " (not all there are)",
               absl::FormatDuration(
                   absl::Trunc(absl::Now() - began, absl::Microseconds(100))));
  if (clients < wanted) {
    absl::PrintF(
        "  (%d clients instead of %d: this process may not have more "
        "descriptors)\n",
        clients, wanted);
  }
  bool completed = false;
  const int code = weft::RunMain(Tour, std::cref(*collection), port, clients,
                                 questions, std::ref(completed));
  if (code != 0) return code;
  if (!completed) return 128 + SIGINT;  // As the shell says it.
  tour::PrintSwitchTable();
  return 0;
}
