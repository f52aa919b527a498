// A chat room: what one guest says all hear, until Ctrl-C.
//
//     ./chat                      then, in several other terminals:
//     ./chat '[::1]:7000'         nc 127.0.0.1 7779
//
//     guest --> Talk --> [ Room: the last 256 lines ] --> Listen --> guest
//                                                    '--> Listen --> guest
//
// The room is a Broadcast, in which talking never waits. A guest that is slow
// to listen misses the oldest lines, and is told how many; one that takes
// nothing for five seconds is shown out. So nobody holds up the others, and the
// room needs memory for 256 lines, whoever is in it.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "weft/net/buffered_reader.h"
#include "weft/net/framing.h"
#include "weft/net/server.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/race.h"
#include "weft/runtime/run.h"
#include "weft/runtime/task.h"
#include "weft/runtime/when_all.h"
#include "weft/sync/broadcast.h"
#include "weft/sync/event.h"

using weft::OrReturn, weft::Task;
using weft::net::BufferedReader, weft::net::Server, weft::net::ServerOptions;
using weft::net::TcpListener, weft::net::TcpStream;
using Room = weft::sync::Broadcast<std::string>;

// A room that is closed has nobody left to hear it.
void Say(Room& room, std::string line) {
  room.Send(std::move(line)).IgnoreError();
}

// Terminals obey control characters; those beyond ASCII, which begin with
// 0xC2 in UTF-8, are left to the guests'.
std::string Printable(std::string_view text) {
  std::string printable(text);
  std::erase_if(printable, [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
  return printable;
}

// region: talk
Task<absl::Status> TalkAs(const std::string& name, Room& room,
                          BufferedReader<TcpStream&>& guest) {
  auto lines = weft::net::Lines(guest);
  while (auto line = co_await lines.Next()) {
    std::string_view said = co_await OrReturn(*std::move(line));
    Say(room, absl::StrCat(name, ": ", Printable(said), "\n"));
  }
  co_return absl::OkStatus();
}

// The first line is a name. Whatever ends the talk, a cancellation too, ends it
// here, where the others are told.
Task<absl::Status> Talk(Room& room, TcpStream& stream) {
  BufferedReader guest(stream, {.longest_line = 1024});
  const std::string_view line = co_await OrReturn(guest.ReadLine());
  const std::string name = Printable(line);
  Say(room, absl::StrCat("* ", name, " has come\n"));
  absl::Status ended = co_await TalkAs(name, room, guest);
  Say(room, absl::StrCat("* ", name, " has left\n"));
  co_return ended;
}
// endregion

// region: listen
Task<absl::Status> Listen(Room::Receiver heard, TcpStream& guest) {
  absl::StatusOr<std::string> line = "* what is your name?\n";
  while (!absl::IsOutOfRange(line.status())) {  // That is a closed room.
    if (absl::IsDataLoss(line.status())) {
      line = absl::StrCat("* you missed ", heard.missed(), " lines\n");
    }
    co_await OrReturn(line.status());
    co_await OrReturn(guest.WriteAll(std::as_bytes(std::span(*line))));
    line = co_await heard.Receive();
  }
  co_return absl::OkStatus();
}
// endregion

// What somebody has not taken who is shown out, the system need not keep.
Task<absl::Status> Attend(Room& room, TcpStream guest) {
  auto ended =
      co_await weft::Race(Talk(room, guest), Listen(room.Subscribe(), guest));
  if (!ended.result.ok()) guest.Abort();
  co_return std::move(ended.result);
}

// A Ctrl-C drains the server, and cancels this.
Task<> CloseAtTheEnd(Room& room, weft::sync::Event& draining) {
  const absl::Status ended = co_await draining.Wait();
  ended.IgnoreError();
  Say(room, "* the room closes\n");
  room.Close();
}

Task<absl::Status> Serve(std::string_view address) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind(address));
  absl::FPrintF(stderr, "listening on %s\n",
                listener.local_address().ToString());
  Room room(256);
  ServerOptions limits;
  limits.max_connections = 500;
  limits.write_timeout = absl::Seconds(5);
  limits.drain_timeout = absl::Seconds(5);
  Server server(
      std::move(listener),
      [&](TcpStream guest) { return Attend(room, std::move(guest)); },
      std::move(limits));
  auto [served, closed] = co_await weft::WhenAll(
      server.Run(), CloseAtTheEnd(room, server.draining()));
  co_return served;
}

int main(int argc, char** argv) {
  return weft::RunMain(Serve, argc > 1 ? argv[1] : "127.0.0.1:7779");
}
