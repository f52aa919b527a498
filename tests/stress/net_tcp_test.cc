// TCP on real threads and in real time: workers that race for readiness,
// timeouts that race with data, and runtimes that end under all of it.
//
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/memory_stream.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/reactor/spin_wait.h"
#include "weft/reactor/system.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/scope.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::weft::testing::OpenDescriptors;

constexpr int kWorkers = 3;

Task<absl::Status> Echo(TcpStream stream) {
  std::array<std::byte, 1000> buffer;
  while (std::size_t n = co_await OrReturn(stream.Read(buffer))) {
    co_await OrReturn(stream.WriteAll(std::span(buffer).first(n)));
  }
  co_return absl::OkStatus();
}

Task<absl::Status> SendAll(TcpStream::WriteHalf half,
                           std::span<const std::byte> bytes) {
  co_return co_await half.WriteAll(bytes);
}

// Writes and reads at the same time, on whatever workers.
Task<absl::Status> Converse(Address address, std::span<const std::byte> bytes) {
  TcpStream stream = co_await OrReturn(TcpStream::Connect(address));
  auto [read, write] = std::move(stream).Split();
  JoinHandle<absl::Status> sending = Spawn(SendAll, std::move(write), bytes);
  const std::vector<std::byte> answer = co_await OrReturn(ReadAll(read));
  co_await OrReturn(sending.Join());
  if (!std::ranges::equal(answer, bytes)) {
    co_return absl::DataLossError("the echo is not what was sent");
  }
  co_return absl::OkStatus();
}

Task<absl::Status> ManyConversations(std::span<const std::byte> bytes) {
  constexpr int kConnections = 50;
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  co_return co_await WithScope([&](Scope& scope) -> Task<absl::Status> {
    for (int i = 0; i < kConnections; ++i) {
      scope.Spawn(Converse, listener.local_address(), bytes);
    }
    for (int i = 0; i < kConnections; ++i) {
      TcpStream stream = co_await OrReturn(listener.Accept());
      scope.Spawn(Echo, std::move(stream));
    }
    co_return absl::OkStatus();
  });
}

TEST(TcpStressTest, EchoesOnSeveralWorkersAtOnce) {
  const int before = OpenDescriptors();
  const std::vector<std::byte> bytes = Pattern(200'000);
  {
    Runtime runtime({.workers = kWorkers});

    const absl::Status status = runtime.BlockOn(ManyConversations(bytes));

    EXPECT_EQ(status, absl::OkStatus());
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

// --- Timeouts that race with data -------------------------------------------

Task<absl::Status> WriteInPieces(TcpStream stream,
                                 std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t size = std::min<std::size_t>(bytes.size(), 100);
    co_await OrReturn(stream.WriteAll(bytes.first(size)));
    bytes = bytes.subspan(size);
    for (int turn = 0; turn < 20; ++turn) co_await Yield();
  }
  co_return absl::OkStatus();
}

// However a read is ended, by its own timeout or by one around it, the next one
// goes on where it has begun.
Task<absl::Status> ReadAgainstTheClock(std::span<const std::byte> bytes) {
  TcpPair pair = co_await OrReturn(ConnectPair());
  JoinHandle<absl::Status> writer =
      Spawn(WriteInPieces, std::move(pair.server), bytes);
  std::vector<std::byte> got;
  for (int turn = 0;; ++turn) {
    pair.client.SetReadTimeout(absl::Microseconds(turn % 60));
    absl::StatusOr<std::string> text = "";
    if (turn % 2 == 0) {
      text = co_await ReadText(pair.client);
    } else {
      text = co_await WithTimeout(absl::Microseconds(turn % 50),
                                  ReadText(pair.client));
    }
    if (absl::IsDeadlineExceeded(text.status())) continue;
    const std::string bytes_read = co_await OrReturn(std::move(text));
    if (bytes_read.empty()) break;
    const std::span<const std::byte> more = Bytes(bytes_read);
    got.insert(got.end(), more.begin(), more.end());
  }
  co_await OrReturn(writer.Join());
  if (!std::ranges::equal(got, bytes)) {
    co_return absl::DataLossError("not what was sent");
  }
  co_return absl::OkStatus();
}

TEST(TcpStressTest, LosesNoByteToATimeoutThatRacesWithData) {
  const std::vector<std::byte> bytes = Pattern(100'000);
  Runtime runtime({.workers = kWorkers});
  std::vector<JoinHandle<absl::Status>> readers;
  for (int i = 0; i < 8; ++i) {
    readers.push_back(runtime.Spawn(ReadAgainstTheClock(bytes)));
  }

  for (auto& reader : readers) {
    EXPECT_EQ(reader.BlockingJoin(), absl::OkStatus());
  }
}

// --- Closing under those who wait -------------------------------------------

Task<absl::Status> ReadUntilClosed(TcpStream& stream) {
  for (;;) {
    const std::string text = co_await OrReturn(ReadText(stream));
    if (text.empty()) co_return absl::DataLossError("the stream ended");
  }
}

Task<absl::Status> WriteUntilClosed(TcpStream& stream) {
  const std::vector<std::byte> bytes = Pattern(10'000);
  for (;;) co_await OrReturn(stream.WriteAll(bytes));
}

TEST(TcpStressTest, ClosesFromAnotherThreadUnderAReaderAndAWriter) {
  const int before = OpenDescriptors();
  {
    Runtime runtime({.workers = kWorkers});
    for (int round = 0; round < 100; ++round) {
      absl::StatusOr<TcpPair> pair = runtime.BlockOn(ConnectPair());
      ASSERT_TRUE(pair.ok()) << pair.status();
      auto reader = runtime.Spawn(ReadUntilClosed(pair->client));
      auto writer = runtime.Spawn(WriteUntilClosed(pair->client));
      auto drain = runtime.Spawn(ReadUntilClosed(pair->server));
      for (int turn = 0; turn < round % 10; ++turn) std::this_thread::yield();

      pair->client.Close();

      EXPECT_EQ(reader.BlockingJoin().code(),
                absl::StatusCode::kFailedPrecondition);
      EXPECT_EQ(writer.BlockingJoin().code(),
                absl::StatusCode::kFailedPrecondition);
      EXPECT_EQ(drain.BlockingJoin().code(), absl::StatusCode::kDataLoss);
    }
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

// --- Ending a runtime -------------------------------------------------------

Task<absl::Status> AcceptForEver(std::atomic<int>& waiting) {
  TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
  // relaxed: a number; BlockUntil only looks at it.
  waiting.fetch_add(1, std::memory_order_relaxed);
  for (;;) {
    const TcpStream stream = co_await OrReturn(listener.Accept());
  }
}

Task<absl::Status> ConnectForEver(std::atomic<int>& waiting) {
  const ListenOptions narrow = {.backlog = 0};
  TcpListener listener =
      co_await OrReturn(TcpListener::Bind("127.0.0.1:0", narrow));
  std::vector<TcpStream> streams;
  waiting.fetch_add(1, std::memory_order_relaxed);
  for (;;) {
    streams.push_back(
        co_await OrReturn(TcpStream::Connect(listener.local_address())));
  }
}

Task<absl::Status> ReadForEver(std::atomic<int>& waiting) {
  TcpPair pair = co_await OrReturn(ConnectPair());
  waiting.fetch_add(1, std::memory_order_relaxed);
  co_return co_await ReadUntilClosed(pair.client);
}

Task<absl::Status> WriteForEver(std::atomic<int>& waiting) {
  TcpPair pair = co_await OrReturn(ConnectPair());
  pair.client.SetWriteTimeout(absl::Hours(1));
  waiting.fetch_add(1, std::memory_order_relaxed);
  co_return co_await WriteUntilClosed(pair.client);
}

// Has the writer told of a reset first, and keeps it in its call until the
// reader has found the end of the stream.
class TellingTheWriterFirst final : public reactor::System {
 public:
  ssize_t recv(int fd, void* into, std::size_t size, int flags) override {
    if (reset) Await(told);
    const ssize_t got = System::recv(fd, into, size, flags);
    const int error = errno;
    (got == 0 ? found_the_end : reads) = true;
    errno = error;
    return got;
  }
  ssize_t send(int fd, const void* from, std::size_t size, int flags) override {
    const ssize_t sent = System::send(fd, from, size, flags);
    const int error = errno;
    if (sent == -1 && error == EAGAIN) is_full = true;
    if (sent == -1 && error == ECONNRESET) {
      told = true;
      StayUntil(found_the_end);
    }
    errno = error;
    return sent;
  }

  std::atomic<bool> reads = false;
  std::atomic<bool> is_full = false;
  std::atomic<bool> reset = false;  // From now on.
  std::atomic<bool> told = false;
  std::atomic<bool> found_the_end = false;

 private:
  static void Await(const std::atomic<bool>& flag) {
    for (int turn = 0; turn < 1'000'000 && !flag; ++turn) {
      std::this_thread::yield();
    }
  }
  // Without giving the processor away: a reader does not wait for a writer
  // whose thread is not running.
  static void StayUntil(const std::atomic<bool>& flag) {
    for (int turn = 0; turn < 10'000'000 && !flag; ++turn) {
      reactor::SpinWait::Pause();
    }
  }
};

Task<absl::Status> ResetUnderBoth(TellingTheWriterFirst& system) {
  TcpPair pair = co_await OrReturn(ConnectPair());
  auto [read, write] = std::move(pair.server).Split();
  auto read_all = [](TcpStream::ReadHalf half) -> Task<absl::Status> {
    co_return (co_await ReadAll(half)).status();
  };
  auto write_all = [](TcpStream::WriteHalf half) -> Task<absl::Status> {
    const std::vector<std::byte> much(std::size_t{64} << 20);
    co_return co_await half.WriteAll(much);
  };
  JoinHandle<absl::Status> reading = Spawn(read_all, std::move(read));
  JoinHandle<absl::Status> writing = Spawn(write_all, std::move(write));
  while (!system.reads || !system.is_full) co_await Yield();

  system.reset = true;
  pair.client.Abort();
  const absl::Status written = co_await writing.Join();
  const absl::Status ended = co_await reading.Join();

  EXPECT_EQ(written.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(system.told && system.found_the_end);
  co_return ended;
}

TEST(TcpStressTest, AReaderIsToldOfTheResetThatAWriterIsBeingToldOf) {
  TellingTheWriterFirst system;
  Runtime runtime({.workers = kWorkers, .system = &system});

  const absl::Status ended = runtime.BlockOn(ResetUnderBoth(system));

  EXPECT_EQ(ended.code(), absl::StatusCode::kUnavailable) << ended;
}

TEST(TcpStressTest, LeavesNoDescriptorWhenTheRuntimeEndsUnderEveryWait) {
  const int before = OpenDescriptors();
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> waiting{0};
    Runtime runtime({.workers = kWorkers});
    for (int i = 0; i < 3; ++i) {
      runtime.Spawn(AcceptForEver, std::ref(waiting)).Detach();
      runtime.Spawn(ConnectForEver, std::ref(waiting)).Detach();
      runtime.Spawn(ReadForEver, std::ref(waiting)).Detach();
      runtime.Spawn(WriteForEver, std::ref(waiting)).Detach();
    }
    // Some are waiting by then, some have not begun to.
    while (waiting.load(std::memory_order_relaxed) < 8) {
      std::this_thread::yield();
    }
  }

  EXPECT_EQ(OpenDescriptors(), before);
}

// --- Memory streams ---------------------------------------------------------

Task<absl::Status> WriteAllThenEnd(MemoryStream& stream,
                                   std::span<const std::byte> bytes) {
  co_await OrReturn(WriteAll(stream, bytes));
  co_return stream.ShutdownWrite();
}

TEST(MemoryStreamStressTest, CarriesBytesFromOneRuntimeToAnother) {
  const std::vector<std::byte> bytes = Pattern(500'000);
  Runtime one({.workers = kWorkers});
  Runtime other({.workers = kWorkers});
  auto [client, server] = MakeMemoryPipe(/*capacity=*/777);

  auto there = one.Spawn(WriteAllThenEnd(client, bytes));
  auto back = other.Spawn(WriteAllThenEnd(server, bytes));
  auto at_server = other.Spawn(ReadAll(server));
  auto at_client = one.Spawn(ReadAll(client));

  EXPECT_EQ(there.BlockingJoin(), absl::OkStatus());
  EXPECT_EQ(back.BlockingJoin(), absl::OkStatus());
  EXPECT_TRUE(at_server.BlockingJoin().value() == bytes);
  EXPECT_TRUE(at_client.BlockingJoin().value() == bytes);
}

}  // namespace
}  // namespace weft::net
