// Wire: what was given to a stream at one end and what came out at the other,
// for sessions in which something goes wrong.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_WIRE_H_
#define WEFT_TESTS_NET_WIRE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "weft/net/leased_read.h"
#include "weft/net/part_list.h"
#include "weft/net/stream.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/single_faults.h"

namespace weft::net {

struct Wire {
  std::string given;  // All that a write was begun with.
  std::string came;

  // Nothing is lost, doubled or out of place. What has not come is on its way,
  // or its write has failed; where all has ended well, everything has come.
  absl::Status Check(const absl::Status& ended) const {
    if (given.compare(0, came.size(), came) != 0) {
      return absl::InternalError(
          absl::StrCat("came is \"", came, "\" of \"", given, "\""));
    }
    if (ended.ok() && came.size() != given.size()) {
      return absl::InternalError(
          absl::StrCat("of ", given.size(), " bytes there came ", came.size()));
    }
    return absl::OkStatus();
  }
};

// One for each way.
struct Wires {
  Wire up;    // From the client to the server.
  Wire down;  // Back.

  absl::Status Check(const absl::Status& ended) const {
    absl::Status held = up.Check(ended);
    held.Update(down.Check(ended));
    return held;
  }
};

// A session on wires that are made anew for each run.
template <typename Start>
tests::Session OnWires(Wires& wires, Start start) {
  return {
      .start =
          [&wires, start] {
            wires = Wires();
            return start();
          },
      .check =
          [&wires](const absl::Status& ended) { return wires.Check(ended); }};
}

// Both ends of a session's connections send at once whatever they are given:
// what waits for an acknowledgement waits for the kernel's clock, not for the
// simulation's.
inline Task<absl::StatusOr<TcpStream>> ConnectPromptly(Address address) {
  ConnectOptions options;
  options.no_delay = true;
  absl::StatusOr<TcpStream> stream =
      co_await TcpStream::Connect(address, options);
  co_return stream;
}
inline Task<absl::StatusOr<TcpStream>> AcceptPrompt(TcpListener& listener) {
  TcpStream stream = co_await OrReturn(listener.Accept());
  co_await OrReturn(stream.SetNoDelay(true));
  co_return stream;
}

// Writes `text`, in the stream's own way where it has one.
template <ByteSink S>
Task<absl::Status> Say(S& stream, std::string text, Wire& wire) {
  wire.given += text;
  const std::span<const std::byte> bytes = Bytes(text);
  if constexpr (requires { stream.WriteAll(bytes); }) {
    co_return co_await stream.WriteAll(bytes);
  } else {
    co_return co_await WriteAll(stream, bytes);
  }
}

// As Say, a write at a time.
template <ByteSink S>
Task<absl::Status> SayByWrites(S& stream, std::string text, Wire& wire) {
  wire.given += text;
  absl::Status said = co_await WriteAll(stream, Bytes(text));
  co_return said;
}

// As Say, of two pieces at a time.
template <ByteSink S>
Task<absl::Status> SayInParts(S& stream, std::string one, std::string other,
                              Wire& wire) {
  wire.given += one + other;
  const std::array<std::span<const std::byte>, 2> parts = {Bytes(one),
                                                           Bytes(other)};
  PartList left(parts);
  while (left.size() > 0) {
    std::array<std::span<const std::byte>, 2> some;
    const ByteParts next = std::span(some).first(left.Gather(some));
    const std::size_t taken = co_await OrReturn(stream.WriteVectored(next));
    left.Drop(taken);
  }
  co_return absl::OkStatus();
}

// Reads `size` bytes, a read at a time.
template <ByteSource S>
Task<absl::Status> Hear(S& stream, std::size_t size, Wire& wire) {
  std::array<std::byte, 200> buffer;
  for (std::size_t heard = 0; heard < size;) {
    const std::span<std::byte> room =
        std::span(buffer).first(std::min(buffer.size(), size - heard));
    const std::size_t got = co_await OrReturn(stream.Read(room));
    if (got == 0) co_return absl::DataLossError("it ended early");
    wire.came += Text(room.first(got));
    heard += got;
  }
  co_return absl::OkStatus();
}

// Reads to the end of the stream, out of leased buffers.
template <ByteSource S>
Task<absl::Status> HearOut(S& stream, Wire& wire) {
  for (;;) {
    const LeasedBytes some = co_await OrReturn(ReadSome(stream));
    if (some.empty()) co_return absl::OkStatus();
    wire.came += Text(some.bytes());
  }
}

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_WIRE_H_
