// Tests of pipes, whose ends are real.
//
// SPDX-License-Identifier: MIT

#include "weft/net/pipe.h"

#include <signal.h>

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/reactor/signal_mask.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"

namespace weft::net {
namespace {

using testing::Simulator;

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

Task<absl::StatusOr<std::string>> ReadAll(PipeReader& reader) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  for (;;) {
    std::size_t got = co_await OrReturn(reader.Read(buffer));
    if (got == 0) co_return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
}

TEST(PipeTest, CarriesBytesUntilItsWriterCloses) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<std::string>> {
    Pipe pipe = *MakePipe();
    JoinHandle reading = Spawn(ReadAll, std::ref(pipe.reader));
    co_await OrReturn(pipe.writer.WriteAll(Bytes("warp ")));
    co_await Yield();
    co_await OrReturn(pipe.writer.WriteAll(Bytes("and weft")));
    pipe.writer.Close();
    co_return co_await reading.Join();
  };

  EXPECT_EQ(*sim.Run(program()), "warp and weft");
}

TEST(PipeTest, MoreThanFitsWaitsForTheReader) {
  Simulator sim;
  const std::string much(1'000'000, 'x');
  auto program = [](std::string_view much) -> Task<absl::StatusOr<bool>> {
    Pipe pipe = *MakePipe();
    JoinHandle reading = Spawn(ReadAll, std::ref(pipe.reader));
    co_await OrReturn(pipe.writer.WriteAll(Bytes(much)));
    pipe.writer.Close();
    std::string read = co_await OrReturn(reading.Join());
    co_return read == much;
  };

  EXPECT_TRUE(*sim.Run(program(much)));
}

TEST(PipeTest, AWriteThatNobodyReadsIsAnErrorAndNoSignal) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<std::size_t>> {
    Pipe pipe = *MakePipe();
    pipe.reader.Close();
    co_return co_await pipe.writer.Write(Bytes("anybody?"));
  };

  EXPECT_EQ(sim.Run(program()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(reactor::IsSignalBlocked(SIGPIPE));
}

TEST(PipeTest, AClosedEndSaysSo) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<std::size_t>> {
    Pipe pipe = *MakePipe();
    pipe.reader.Close();
    std::array<std::byte, 1> buffer;
    co_return co_await pipe.reader.Read(buffer);
  };

  EXPECT_EQ(sim.Run(program()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(PipeTest, AReadThatTakesTooLongIsGivenUp) {
  Simulator sim;
  auto program = []() -> Task<absl::StatusOr<std::size_t>> {
    Pipe pipe = *MakePipe();
    pipe.reader.SetReadTimeout(absl::Seconds(1));
    std::array<std::byte, 1> buffer;
    co_return co_await pipe.reader.Read(buffer);
  };

  EXPECT_EQ(sim.Run(program()).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

// What was not read is still there.
TEST(PipeTest, ACancelledReadTakesNothing) {
  struct Store {
    std::string read;
    std::string left;
  };
  std::optional<Store> store;
  auto read_one = [](PipeReader& reader,
                     std::string& text) -> Task<absl::Status> {
    std::array<std::byte, 4> buffer;
    std::size_t got = co_await OrReturn(reader.Read(buffer));
    text.append(reinterpret_cast<const char*>(buffer.data()), got);
    co_return absl::OkStatus();
  };
  auto program = [&]() -> Task<absl::Status> {
    Store& here = *store;
    Pipe pipe = *MakePipe();
    JoinHandle reading =
        Spawn(read_one, std::ref(pipe.reader), std::ref(here.read));
    co_await Yield();
    absl::StatusOr<std::size_t> wrote =
        co_await pipe.writer.Write(Bytes("abcd"));
    absl::Status joined = co_await reading.Join();
    std::array<std::byte, 8> buffer;
    pipe.writer.Close();
    const bool complete = wrote.ok() && here.read.empty();
    if (complete) {
      absl::StatusOr<std::size_t> got = co_await pipe.reader.Read(buffer);
      if (got.ok()) {
        here.left.append(reinterpret_cast<const char*>(buffer.data()), *got);
      }
    }
    co_return joined;
  };
  auto start = [&] {
    store.emplace();
    return program();
  };
  auto check = [&](const absl::Status&, const testing::Interrupted& at) {
    if (at.undisturbed && store->read != "abcd") {
      return absl::InternalError("not read");
    }
    if (!store->read.empty() && store->read != "abcd") {
      return absl::InternalError("read in part");
    }
    return absl::OkStatus();
  };

  const absl::StatusOr<int> places =
      testing::CancelEverywhere({.seeds = 50}, start, check);
  EXPECT_TRUE(places.ok()) << places.status();
}

}  // namespace
}  // namespace weft::net
