// libuv as a process that is asked: see bench/net/servers.py and
// bench/fs/files.py.
//
// SPDX-License-Identifier: MIT

#include <cstdlib>
#include <string_view>

#include "weft/bench/peers/libuv/processes/work.h"
#include "weft/bench/peers/processes.h"

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "echo") {
    weft::bench::ServeEcho(argc > 3 ? std::atoi(argv[3]) * 1000ULL : 0);
  } else if (what == "read" && argc == 4) {
    weft::bench::ReadFile(argv[2], std::atoi(argv[3]));
  } else {
    weft::bench::Must(what == "write" && argc == 4, "asked for something else");
    weft::bench::WriteFiles(argv[2], std::atoi(argv[3]));
  }
}
