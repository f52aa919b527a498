// Tests of FIFOs: what is opened and what is not, and whose end is whose.
//
// SPDX-License-Identifier: MIT

#include "weft/net/fifo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/net/unix_listener.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/os_error.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::testing::HasSubstr;
using ::weft::reactor::Fd;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::Simulator;

class FifoTest : public ::testing::Test {
 protected:
  FifoTest() { EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0); }

  const weft::testing::TemporaryDirectory folder;
  const std::string path = folder / "fifo";
  Simulator sim;
};

constexpr FifoOptions kHolding = {.hold_other_end = true};

TEST_F(FifoTest, CarriesBytesUntilItsWriterCloses) {
  auto program = [](std::string path) -> Task<absl::StatusOr<std::string>> {
    PipeReader reader = co_await OrReturn(OpenFifoReader(path));
    PipeWriter writer = co_await OrReturn(OpenFifoWriter(path));
    auto reading = Spawn(ReadAll<PipeReader>, std::ref(reader));
    co_await OrReturn(writer.WriteAll(Bytes("warp ")));
    co_await Yield();
    co_await OrReturn(writer.WriteAll(Bytes("and weft")));
    writer.Close();
    std::vector<std::byte> all = co_await OrReturn(reading.Join());
    co_return Text(all);
  };

  EXPECT_EQ(*sim.Run(program(path)), "warp and weft");
}

TEST_F(FifoTest, MoreThanFitsWaitsForTheReader) {
  auto program = [](std::string path) -> Task<absl::StatusOr<bool>> {
    const std::vector<std::byte> much = Pattern(300'000);
    PipeReader reader = co_await OrReturn(OpenFifoReader(path));
    PipeWriter writer = co_await OrReturn(OpenFifoWriter(path));
    auto reading = Spawn(ReadAll<PipeReader>, std::ref(reader));
    co_await OrReturn(writer.WriteAll(much));
    writer.Close();
    std::vector<std::byte> all = co_await OrReturn(reading.Join());
    co_return all == much;
  };

  EXPECT_TRUE(*sim.Run(program(path)));
}

TEST_F(FifoTest, AWriterThatNobodyReadsIsUnavailable) {
  const absl::Status status = sim.Run(OpenFifoWriter(path)).status();

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(reactor::ErrnoOf(status), ENXIO);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("open(\"" + path + "\")"));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("nobody has it open to read"));
}

TEST_F(FifoTest, AWriteAfterTheReaderHasLeftIsAnErrorAndNoSignal) {
  auto program = [](std::string path) -> Task<absl::Status> {
    PipeReader reader = co_await OrReturn(OpenFifoReader(path));
    PipeWriter writer = co_await OrReturn(OpenFifoWriter(path));
    reader.Close();
    co_return co_await writer.WriteAll(Bytes("anybody?"));
  };

  const absl::Status status = sim.Run(program(path));

  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
}

TEST_F(FifoTest, AReaderWithoutAWriterIsAtTheEnd) {
  auto program = [](std::string path) -> Task<absl::Status> {
    PipeReader reader = co_await OrReturn(OpenFifoReader(path));
    const std::string before = co_await OrReturn(ReadText(reader));
    EXPECT_EQ(before, "");
    for (const char* const text : {"one", "two"}) {
      PipeWriter writer = co_await OrReturn(OpenFifoWriter(path));
      co_await OrReturn(writer.WriteAll(Bytes(text)));
      writer.Close();
      const std::string came = co_await OrReturn(ReadText(reader));
      EXPECT_EQ(came, text);
      const std::string end = co_await OrReturn(ReadText(reader));
      EXPECT_EQ(end, "");
    }
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(program(path)), absl::OkStatus());
}

// --- Holding the other end --------------------------------------------------

TEST_F(FifoTest, AReaderThatHoldsTheOtherEndWaitsForTheNextWriter) {
  auto program = [](std::string path) -> Task<absl::Status> {
    PipeReader reader = co_await OrReturn(OpenFifoReader(path, kHolding));
    for (const char* const text : {"one", "two"}) {
      auto reading = Spawn(ReadText<PipeReader>, std::ref(reader));
      co_await Yield();
      EXPECT_FALSE(reading.finished());
      PipeWriter writer = co_await OrReturn(OpenFifoWriter(path));
      co_await OrReturn(writer.WriteAll(Bytes(text)));
      writer.Close();
      const std::string came = co_await OrReturn(reading.Join());
      EXPECT_EQ(came, text);
    }
    reader.SetReadTimeout(absl::Seconds(1));
    absl::StatusOr<std::string> none = co_await ReadText(reader);
    co_return none.status();
  };

  EXPECT_EQ(sim.Run(program(path)).code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(FifoTest, AWriterThatHoldsTheOtherEndNeedsNoReaderYet) {
  auto program = [](std::string path) -> Task<absl::StatusOr<std::string>> {
    PipeWriter writer = co_await OrReturn(OpenFifoWriter(path, kHolding));
    co_await OrReturn(writer.WriteAll(Bytes("early")));
    PipeReader reader = co_await OrReturn(OpenFifoReader(path));
    co_return co_await ReadText(reader);
  };

  EXPECT_EQ(*sim.Run(program(path)), "early");
}

// --- What is no FIFO, or none of ours ---------------------------------------

TEST_F(FifoTest, OpensNothingElse) {
  folder.Write("file", "text");
  std::optional<UnixListener> listener;
  auto listen = [](std::string path, auto& listener) -> Task<absl::Status> {
    UnixListener bound = co_await OrReturn(UnixListener::Bind(path));
    listener.emplace(std::move(bound));
    co_return absl::OkStatus();
  };
  ASSERT_EQ(sim.Run(listen(folder / "socket", listener)), absl::OkStatus());

  for (const std::string& other :
       {folder / "file", folder / "socket", folder.path()}) {
    const absl::Status read = sim.Run(OpenFifoReader(other)).status();
    EXPECT_EQ(read.code(), absl::StatusCode::kFailedPrecondition) << read;
    EXPECT_THAT(std::string(read.message()), HasSubstr("it is no FIFO"));
  }
  for (const std::string& other : {folder / "file", folder / "socket"}) {
    const absl::Status written = sim.Run(OpenFifoWriter(other)).status();
    EXPECT_EQ(written.code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(folder.Read("file"), "text");
}

TEST_F(FifoTest, SaysThatThereIsNone) {
  const std::string nowhere = folder / "nowhere";

  EXPECT_EQ(sim.Run(OpenFifoReader(nowhere)).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(sim.Run(OpenFifoWriter(nowhere, kHolding)).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(sim.Run(OpenFifoReader(std::string("a\0b", 3))).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(FifoTest, AnErrorIsOfOneLineWhateverThePath) {
  const absl::Status status =
      sim.Run(OpenFifoReader(folder / "two\nlines")).status();

  EXPECT_THAT(std::string(status.message()), HasSubstr("/two\\nlines\")"));
}

// --- Ends of others' --------------------------------------------------------

TEST_F(FifoTest, TakesOverTheEndsOfAPipe) {
  auto program = []() -> Task<absl::Status> {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    Fd in(ends[0]);
    Fd out(ends[1]);
    PipeReader reader =
        co_await OrReturn(PipeReader::FromFd(std::move(in), "in"));
    PipeWriter writer =
        co_await OrReturn(PipeWriter::FromFd(std::move(out), "out"));
    for (const int end : ends) {
      EXPECT_TRUE((::fcntl(end, F_GETFL) & O_NONBLOCK) != 0);
      EXPECT_TRUE((::fcntl(end, F_GETFD) & FD_CLOEXEC) != 0);
    }
    co_await OrReturn(writer.WriteAll(Bytes("through")));
    const std::string text = co_await OrReturn(ReadText(reader));
    EXPECT_EQ(text, "through");
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(program()), absl::OkStatus());
}

TEST_F(FifoTest, TakesOverNoOtherDescriptor) {
  const int before = OpenDescriptors();
  auto program = [](std::string folder) -> Task<absl::Status> {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    Fd in(ends[0]);
    Fd out(ends[1]);
    Fd file(::open(folder.c_str(), O_RDONLY | O_CLOEXEC));
    const auto reader = PipeReader::FromFd(std::move(out), "out");
    const auto writer = PipeWriter::FromFd(std::move(in), "in");
    const auto neither = PipeReader::FromFd(std::move(file), "file");
    const auto empty = PipeReader::FromFd(Fd(), "empty");
    const auto nothing = PipeWriter::FromFd(Fd(), "nothing");
    EXPECT_EQ(reader.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(writer.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(neither.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(empty.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(nothing.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(reader.status().message()), HasSubstr("out"));
    EXPECT_THAT(std::string(empty.status().message()), HasSubstr("empty"));
    co_return absl::OkStatus();
  };

  EXPECT_EQ(sim.Run(program(folder.path())), absl::OkStatus());
  EXPECT_EQ(OpenDescriptors(), before);
}

// --- Cancellation -----------------------------------------------------------

Task<absl::StatusOr<std::string>> TalkThrough(std::string path) {
  PipeReader reader = co_await OrReturn(OpenFifoReader(path, kHolding));
  PipeWriter writer = co_await OrReturn(OpenFifoWriter(path));
  auto [text, written] = co_await WhenAll(
      ReadText(reader), [](PipeWriter& writer) -> Task<absl::Status> {
        co_await Yield();
        co_return co_await writer.WriteAll(Bytes("text"));
      }(writer));
  co_await OrReturn(std::move(written));
  co_return text;
}

TEST(FifoCancellationTest, LeavesNothingOpenWhereverItIsCancelled) {
  const weft::testing::TemporaryDirectory folder;
  const std::string path = folder / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  int before = 0;

  auto start = [&] {
    before = OpenDescriptors();
    return TalkThrough(path);
  };
  auto check = [&](const absl::StatusOr<std::string>& text,
                   const testing::Interrupted& at) {
    EXPECT_TRUE(text.ok() || absl::IsCancelled(text.status()));
    EXPECT_TRUE(text.ok() || !at.undisturbed);
    EXPECT_EQ(OpenDescriptors(), before);
  };
  const absl::StatusOr<int> places =
      testing::CancelEverywhere({.seeds = 10}, start, check);

  ASSERT_TRUE(places.ok()) << places.status();
  EXPECT_GT(*places, 2);
}

}  // namespace
}  // namespace weft::net
