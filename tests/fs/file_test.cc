// Tests of weft::fs::File once it is open, but for what it asks the page cache
// (file_opening_test.cc and file_cache_test.cc). In simulation, on real files,
// and with systems that fail and interrupt as they are told.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/file.h"

#include <cerrno>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "weft/fs/open_options.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/tests/fs/file_fixture.h"
#include "weft/tests/fs/halting_system.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::fs {
namespace {

using ::testing::HasSubstr;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::SimulatedSystem;
using ::weft::testing::Simulator;

// --- Reading ---

TEST_F(FileTest, ReadsAtAnyPosition) {
  const absl::Status status =
      WithFile({}, [](File& file) -> Task<absl::Status> {
        Buffer buffer(4);
        std::size_t got = co_await OrReturn(file.ReadAt(buffer.span(), 3));
        EXPECT_EQ(buffer.First(got), "3456");
        got = co_await OrReturn(file.ReadAt(buffer.span(), 8));
        EXPECT_EQ(buffer.First(got), "89");
        EXPECT_EQ(file.cursor(), 0U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(FileTest, ReadsOnePieceAfterAnotherUpToTheEnd) {
  const absl::Status status =
      WithFile({}, [](File& file) -> Task<absl::Status> {
        Buffer buffer(4);
        std::string text;
        while (std::size_t got = co_await OrReturn(file.Read(buffer.span()))) {
          text += buffer.First(got);
          EXPECT_EQ(file.cursor(), text.size());
        }
        EXPECT_EQ(text, "0123456789");
        std::size_t again = co_await OrReturn(file.Read(buffer.span()));
        EXPECT_EQ(again, 0U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(FileTest, ReadsNothingIntoNothing) {
  const absl::Status status =
      WithFile({}, [](File& file) -> Task<absl::Status> {
        std::size_t got = co_await OrReturn(file.Read({}));
        EXPECT_EQ(got, 0U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(FileTest, GoesOnWhereTheCursorIsPut) {
  const absl::Status status =
      WithFile({}, [](File& file) -> Task<absl::Status> {
        Buffer buffer(2);
        file.set_cursor(5);
        std::size_t got = co_await OrReturn(file.Read(buffer.span()));
        EXPECT_EQ(buffer.First(got), "56");
        EXPECT_EQ(file.cursor(), 7U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(FileTest, RefusesAPositionThatNoFileHas) {
  const absl::Status status =
      WithFile({}, [](File& file) -> Task<absl::Status> {
        Buffer buffer(2);
        absl::StatusOr<std::size_t> got = co_await file.ReadAt(
            buffer.span(), std::numeric_limits<std::uint64_t>::max());
        co_return got.status();
      });

  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(FileTest, ReadsExactlyWhatIsAskedFor) {
  HaltingSystem system;
  const absl::Status status =
      WithFile(system, {}, [](File& file) -> Task<absl::Status> {
        Buffer buffer(4);
        co_await OrReturn(file.ReadExactlyAt(buffer.span(), 6));
        EXPECT_EQ(buffer.First(4), "6789");
        co_await OrReturn(file.ReadExactly(buffer.span()));
        EXPECT_EQ(buffer.First(4), "0123");
        EXPECT_EQ(file.cursor(), 4U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(FileTest, SaysWhetherTheFileEndsBeforeOrInTheMiddle) {
  const absl::Status status =
      WithFile({}, [](File& file) -> Task<absl::Status> {
        Buffer buffer(4);
        absl::Status middle = co_await file.ReadExactlyAt(buffer.span(), 8);
        absl::Status before = co_await file.ReadExactlyAt(buffer.span(), 10);
        file.set_cursor(7);
        absl::Status cursor = co_await file.ReadExactly(buffer.span());
        EXPECT_EQ(middle.code(), absl::StatusCode::kDataLoss);
        EXPECT_THAT(std::string(middle.message()),
                    HasSubstr("the file ended after 2 of 4 bytes"));
        EXPECT_EQ(before.code(), absl::StatusCode::kOutOfRange);
        EXPECT_EQ(cursor.code(), absl::StatusCode::kDataLoss);
        EXPECT_EQ(file.cursor(), 10U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

// --- Writing ---

TEST_F(FileTest, WritesAtAnyPosition) {
  const absl::Status status =
      WithFile(kReadWrite, [](File& file) -> Task<absl::Status> {
        std::size_t written = co_await OrReturn(file.WriteAt(Bytes("ab"), 4));
        EXPECT_EQ(written, 2U);
        co_await OrReturn(file.WriteAllAt(Bytes("!"), 12));
        EXPECT_EQ(file.cursor(), 0U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), std::string_view("0123ab6789\0\0!", 13));
}

TEST_F(FileTest, WritesOnePieceAfterAnother) {
  const absl::Status status =
      WithFile(kReplace, [](File& file) -> Task<absl::Status> {
        std::size_t written = co_await OrReturn(file.Write(Bytes("one ")));
        EXPECT_EQ(file.cursor(), written);
        co_await OrReturn(file.WriteAll(Bytes("two ")));
        co_await OrReturn(file.WriteAll({}));
        EXPECT_EQ(file.cursor(), 8U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), "one two ");
}

TEST_F(FileTest, AppendsWhateverThePositionIs) {
  OpenOptions options = kReadWrite;
  options.append = true;
  const absl::Status status =
      WithFile(options, [](File& file) -> Task<absl::Status> {
        co_await OrReturn(file.WriteAll(Bytes("a")));
        co_await OrReturn(file.WriteAllAt(Bytes("b"), 0));
        Buffer buffer(4);
        std::size_t got = co_await OrReturn(file.Read(buffer.span()));
        EXPECT_EQ(buffer.First(got), "0123");
        co_await OrReturn(file.WriteAll(Bytes("c")));
        EXPECT_EQ(file.cursor(), 4U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), "0123456789abc");
}

TEST_F(FileTest, OneThatIsOpenToBeReadIsNotCut) {
  const absl::Status status =
      WithFile(OpenOptions(), [](File& file) -> Task<absl::Status> {
        co_return co_await file.Truncate(0);
      });

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(FileTest, WritesAllOfItByteByByteThroughInterrupts) {
  HaltingSystem system;
  const absl::Status status =
      WithFile(system, kReadWrite, [](File& file) -> Task<absl::Status> {
        co_await OrReturn(file.WriteAllAt(Bytes("abc"), 2));
        co_await OrReturn(file.WriteAll(Bytes("xy")));
        co_await OrReturn(file.Truncate(7));
        co_await OrReturn(file.SyncData());
        co_await OrReturn(file.Sync());
        Metadata about = co_await OrReturn(file.GetMetadata());
        EXPECT_EQ(about.size, 7U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), "xyabc56");
}

TEST_F(FileTest, AShortWriteIsSaidToBeShort) {
  class Terse : public SimulatedSystem {
   public:
    ssize_t pwrite(int fd, const void* buffer, std::size_t, off_t at) override {
      return SimulatedSystem::pwrite(fd, buffer, 2, at);
    }
  } system;
  const absl::Status status =
      WithFile(system, kReadWrite, [](File& file) -> Task<absl::Status> {
        std::size_t written = co_await OrReturn(file.Write(Bytes("abcd")));
        EXPECT_EQ(written, 2U);
        EXPECT_EQ(file.cursor(), 2U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), "ab23456789");
}

TEST_F(FileTest, TheCursorTellsHowMuchAFullDiskTook) {
  class SmallDisk : public SimulatedSystem {
   public:
    ssize_t pwrite(int fd, const void* buffer, std::size_t size,
                   off_t at) override {
      if (at < 3) return SimulatedSystem::pwrite(fd, buffer, 1, at);
      static_cast<void>(size);
      errno = ENOSPC;
      return -1;
    }
  } system;
  const absl::Status status =
      WithFile(system, kReadWrite, [](File& file) -> Task<absl::Status> {
        absl::Status all = co_await file.WriteAll(Bytes("abcd"));
        EXPECT_EQ(file.cursor(), 3U);
        co_return all;
      });

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::string(status.message()),
            "pwrite(\"" + path_ + "\"): No space left on device");
  EXPECT_EQ(directory_.Read("file"), "abc3456789");
}

TEST_F(FileTest, AWriteOfNothingIsAnErrorAndNoEndlessLoop) {
  class Stubborn : public SimulatedSystem {
   public:
    ssize_t pwrite(int, const void*, std::size_t, off_t) override { return 0; }
  } system;
  const absl::Status status =
      WithFile(system, kReadWrite, [](File& file) -> Task<absl::Status> {
        co_return co_await file.WriteAll(Bytes("abcd"));
      });

  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
}

TEST_F(FileTest, DoesNotWriteWhatWasOpenedToBeRead) {
  const absl::Status status =
      WithFile({}, [](File& file) -> Task<absl::Status> {
        co_return co_await file.WriteAll(Bytes("abcd"));
      });

  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
}

// --- Syncing, truncating, asking ---

TEST_F(FileTest, SyncsByTheCallThatWasAskedFor) {
  class Counting : public SimulatedSystem {
   public:
    int fsync(int) override { return ++syncs, 0; }
    int fdatasync(int) override { return ++data_syncs, 0; }
    int syncs = 0;
    int data_syncs = 0;
  } system;
  const absl::Status status =
      WithFile(system, kReadWrite, [&](File& file) -> Task<absl::Status> {
        co_await OrReturn(file.Sync());
        EXPECT_EQ(system.syncs, 1);
        EXPECT_EQ(system.data_syncs, 0);
        co_await OrReturn(file.SyncData());
        EXPECT_EQ(system.syncs, 1);
        EXPECT_EQ(system.data_syncs, 1);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

// Notes the order of what is asked of it.
class DeviceLog : public SimulatedSystem {
 public:
  ssize_t pwrite(int fd, const void* buffer, std::size_t size,
                 off_t at) override {
    log += "write ";
    if (is_full) return errno = ENOSPC, -1;
    return SimulatedSystem::pwrite(fd, buffer, size, at);
  }
  int fdatasync(int) override {
    log += "sync ";
    return is_broken ? (errno = EIO, -1) : 0;
  }

  bool is_full = false;
  bool is_broken = false;
  std::string log;
};

Task<absl::Status> WriteDurably(File& file) {
  co_return co_await file.WriteAllDurablyAt(Bytes("abc"), 2);
}

TEST_F(FileTest, SyncsWhatItHasWrittenDurably) {
  DeviceLog system;

  EXPECT_EQ(WithFile(system, kReadWrite, WriteDurably), absl::OkStatus());

  EXPECT_EQ(system.log, "write sync ");
  EXPECT_EQ(directory_.Read("file").substr(2, 3), "abc");
}

TEST_F(FileTest, ADurableWriteThatFailsIsNotSynced) {
  DeviceLog system;
  system.is_full = true;

  const absl::Status status = WithFile(system, kReadWrite, WriteDurably);

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(system.log, "write ");
}

TEST_F(FileTest, ADurableWriteWhoseSyncFailsIsLost) {
  DeviceLog system;
  system.is_broken = true;

  const absl::Status status = WithFile(system, kReadWrite, WriteDurably);

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
}

TEST_F(FileTest, ReportsThatSyncingFailed) {
  class Failing : public SimulatedSystem {
   public:
    int fsync(int) override {
      errno = EIO;
      return -1;
    }
  } system;
  const absl::Status status = WithFile(
      system, kReadWrite,
      [](File& file) -> Task<absl::Status> { co_return co_await file.Sync(); });

  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(std::string(status.message()),
            "fsync(\"" + path_ + "\"): Input/output error");
}

TEST_F(FileTest, CutsTheFileOffOrAddsZeros) {
  const absl::Status status =
      WithFile(kReadWrite, [](File& file) -> Task<absl::Status> {
        co_await OrReturn(file.Truncate(3));
        co_await OrReturn(file.Truncate(5));
        Metadata about = co_await OrReturn(file.GetMetadata());
        EXPECT_EQ(about.size, 5U);
        EXPECT_EQ(about.kind, FileKind::kFile);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), std::string_view("012\0\0", 5));
}

// --- Closing and moving ---

TEST_F(FileTest, ClosesOnce) {
  const int before = OpenDescriptors();
  const absl::Status status =
      WithFile({}, [](File& file) -> Task<absl::Status> {
        const int open = OpenDescriptors();
        co_await OrReturn(file.Close());
        EXPECT_EQ(OpenDescriptors(), open - 1);
        co_return co_await file.Close();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(FileTest, ClosesWhenItIsDestroyed) {
  const int before = OpenDescriptors();

  const absl::Status status =
      WithFile({}, [](File& file) -> Task<absl::Status> {
        Buffer buffer(10);
        const std::size_t got = co_await OrReturn(file.Read(buffer.span()));
        EXPECT_EQ(got, 10U);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(FileTest, ReportsWhatTheCloseReports) {
  class Failing : public SimulatedSystem {
   public:
    int close(int fd) override {
      SimulatedSystem::close(fd);
      errno = ENOSPC;
      return -1;
    }
  } system;
  const absl::Status status =
      WithFile(system, kReadWrite, [](File& file) -> Task<absl::Status> {
        absl::Status closed = co_await file.Close();
        absl::Status again = co_await file.Close();
        EXPECT_EQ(again, absl::OkStatus());
        co_return closed;
      });

  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::string(status.message()),
            "close(\"" + path_ + "\"): No space left on device");
}

TEST_F(FileTest, IsOfNoUseOnceItIsClosed) {
  const absl::Status status =
      WithFile(kReadWrite, [](File& file) -> Task<absl::Status> {
        co_await OrReturn(file.Close());
        Buffer buffer(4);
        absl::StatusOr<std::size_t> read = co_await file.Read(buffer.span());
        absl::Status written = co_await file.WriteAll(Bytes("a"));
        EXPECT_EQ(read.status().code(), absl::StatusCode::kFailedPrecondition);
        EXPECT_EQ(written.code(), absl::StatusCode::kFailedPrecondition);
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(FileTest, LendsItsDescriptor) {
  const absl::Status status =
      WithFile({}, [](File& file) -> Task<absl::Status> {
        char first = 0;
        EXPECT_EQ(::pread(file.fd().get(), &first, 1, 0), 1);
        EXPECT_EQ(first, '0');
        co_return absl::OkStatus();
      });

  EXPECT_EQ(status, absl::OkStatus());
}

TEST_F(FileTest, IsMovedWithItsCursorAndClosesWhatItReplaces) {
  directory_.Write("other", "abcd");
  const int before = OpenDescriptors();
  auto move = [](std::string first, std::string second) -> Task<absl::Status> {
    File file = co_await OrReturn(File::Open(first));
    File other = co_await OrReturn(File::Open(second));
    Buffer buffer(2);
    std::size_t got = co_await OrReturn(other.Read(buffer.span()));
    const int open = OpenDescriptors();

    file = std::move(other);
    File last = std::move(file);

    EXPECT_EQ(OpenDescriptors(), open - 1);
    EXPECT_EQ(last.path(), second);
    EXPECT_EQ(last.cursor(), got);
    got = co_await OrReturn(last.Read(buffer.span()));
    EXPECT_EQ(buffer.First(got), "cd");
    co_return absl::OkStatus();
  };
  Simulator sim;
  const int with_simulator = OpenDescriptors();

  EXPECT_EQ(sim.Run(move(path_, directory_ / "other")), absl::OkStatus());

  EXPECT_EQ(OpenDescriptors(), with_simulator);
  EXPECT_GE(with_simulator, before);
}

// --- Cancellation ---

TEST_F(FileTest, ACancelledOperationHasNoEffect) {
  Simulator sim;
  JoinHandle<absl::Status> writer;
  auto write = [&](std::string path) -> Task<absl::Status> {
    File file = co_await OrReturn(File::Open(path, kReadWrite));
    writer.Cancel();
    absl::Status written = co_await file.WriteAll(Bytes("abcd"));
    absl::Status durable = co_await WriteDurably(file);
    absl::Status truncated = co_await file.Truncate(0);
    absl::Status synced = co_await file.Sync();
    absl::Status closed = co_await file.Close();
    for (const absl::Status& each :
         {written, durable, truncated, synced, closed}) {
      EXPECT_EQ(each.code(), absl::StatusCode::kCancelled);
    }
    EXPECT_EQ(file.cursor(), 0U);
    EXPECT_FALSE(file.fd().empty());
    co_return absl::OkStatus();
  };

  writer = sim.SpawnJoinable(write(path_));
  sim.RunUntilIdle();

  EXPECT_EQ(writer.BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(directory_.Read("file"), "0123456789");
}

}  // namespace
}  // namespace weft::fs
