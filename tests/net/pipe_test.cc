// Tests of pipes, whose ends are real.
//
// SPDX-License-Identifier: MIT

#include "weft/net/pipe.h"

#include <signal.h>
#include <sys/types.h>

#include <algorithm>
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
#include "weft/runtime/shield.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
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

Task<absl::Status> ReadOnce(PipeReader& reader) {
  std::array<std::byte, 64> buffer;
  co_await OrReturn(reader.Read(buffer));
  co_return absl::OkStatus();
}

// As with O_DIRECT, by which a writer keeps its writes apart: pipe(7).
TEST(PipeTest, AReadIsFollowedByOneOfThePacketThatIsThereAlready) {
  class Packets final : public testing::SimulatedSystem {
   public:
    ssize_t read(int fd, void* into, std::size_t size) override {
      return SimulatedSystem::read(fd, into, std::min(size, std::size_t{4}));
    }
  } system;
  Simulator sim({.system = &system});
  auto program = []() -> Task<absl::StatusOr<std::string>> {
    Pipe pipe = *MakePipe();
    // One that waits, so that what comes later is told by an edge.
    std::array<std::byte, 64> buffer;
    JoinHandle waiting = Spawn(ReadOnce, std::ref(pipe.reader));
    co_await Yield();
    co_await OrReturn(pipe.writer.WriteAll(Bytes("x")));
    co_await OrReturn(waiting.Join());
    co_await OrReturn(pipe.writer.WriteAll(Bytes("warpweft")));
    const std::size_t first = co_await OrReturn(pipe.reader.Read(buffer));
    EXPECT_EQ(first, 4U);
    const std::size_t second = co_await OrReturn(pipe.reader.Read(buffer));
    co_return std::string(reinterpret_cast<const char*>(buffer.data()), second);
  };

  EXPECT_EQ(sim.Run(program()).value(), "weft");
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

TEST(PipeTest, SoIsAWriteThatNobodyMakesRoomFor) {
  Simulator sim;
  auto program = []() -> Task<absl::Status> {
    Pipe pipe = *MakePipe();
    pipe.writer.SetWriteTimeout(absl::Seconds(1));
    const std::string more_than_fits(1 << 20, 'x');
    co_return co_await pipe.writer.WriteAll(
        std::as_bytes(std::span(more_than_fits)));
  };
  const Instant begin = sim.now();

  EXPECT_EQ(sim.Run(program()).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_GE(sim.now() - begin, absl::Seconds(1));
}

Task<absl::Status> ReadOnce(PipeReader& reader, std::string& text) {
  std::array<std::byte, 8> buffer;
  std::size_t got = co_await OrReturn(reader.Read(buffer));
  text.append(reinterpret_cast<const char*>(buffer.data()), got);
  co_return absl::OkStatus();
}

Task<absl::Status> WriteLater(PipeWriter& writer, std::string& written) {
  co_await Yield();
  std::string_view text = "abcd";
  std::size_t wrote = co_await OrReturn(writer.Write(Bytes(text)));
  written.append(text.substr(0, wrote));
  co_return absl::OkStatus();
}

// What was written and not read is still there.
TEST(PipeTest, ACancelledReadTakesNothing) {
  struct Store {
    std::string written;
    std::string read;
  };
  std::optional<Store> store;
  auto program = [&store]() -> Task<absl::Status> {
    Pipe pipe = *MakePipe();
    auto both = co_await WhenAll(ReadOnce(pipe.reader, store->read),
                                 WriteLater(pipe.writer, store->written));
    pipe.writer.Close();
    absl::Status rest = co_await Shield(ReadOnce(pipe.reader, store->read));
    co_return rest;
  };
  auto start = [&] {
    store.emplace();
    return program();
  };
  auto check = [&](const absl::Status&, const testing::Interrupted&) {
    return store->read == store->written
               ? absl::OkStatus()
               : absl::InternalError("bytes were taken and lost");
  };

  const absl::StatusOr<int> places =
      testing::CancelEverywhere({.seeds = 50}, start, check);
  EXPECT_TRUE(places.ok()) << places.status();
}

}  // namespace
}  // namespace weft::net
