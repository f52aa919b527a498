// Tests of a library that reconnects under its user: it closes its descriptor
// while that is watched, and has another one under the same number.
//
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/async_fd.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/testing/simulator.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/plain_pair.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::weft::reactor::Fd;
using ::weft::testing::OpenDescriptors;
using ::weft::testing::Simulator;

// What a database's library is to its user: a number, which stays the same when
// it connects anew, as the kernel gives the lowest one that is free.
class Library {
 public:
  Library() : number_(ends_.near.get()) {}

  int number() const { return number_; }
  void Say(std::string_view text) { ends_.Say(text); }
  // What it has to give; nothing where it would block.
  std::string TryRead() const {
    std::array<char, 100> buffer;
    const ssize_t got =
        ::recv(number_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return got < 0 ? ""
                   : std::string(buffer.data(), static_cast<std::size_t>(got));
  }
  // The old server still thinks that it is connected.
  void Reconnect() {
    PlainPair anew;
    old_server_ = std::exchange(ends_.far, std::move(anew.far));
    ends_.near = Fd();
    EXPECT_EQ(::fcntl(anew.near.get(), F_DUPFD_CLOEXEC, number_), number_);
    ends_.near = Fd(number_);
  }
  void EndOldServer() { old_server_ = Fd(); }

 private:
  PlainPair ends_;
  int number_;
  Fd old_server_;
};

// The first hint is given at once.
Task<absl::Status> WaitForMore(AsyncFd& fd) {
  co_await OrReturn(fd.WaitReadable());
  co_return co_await fd.WaitReadable();
}

// The old registration knows nothing of the new connection, though the number
// is the same; and it does not stand in its way.
TEST(AsyncFdLibraryTest, WhoWaitsForTheOldConnectionHearsNothingOfTheNew) {
  Library library;
  std::optional<AsyncFd> old;
  std::optional<AsyncFd> anew;
  Simulator sim;
  const auto wait =
      [&library](std::optional<AsyncFd>& fd) -> Task<absl::Status> {
    fd.emplace(co_await OrReturn(AsyncFd::Borrow(library.number())));
    co_return co_await WaitForMore(*fd);
  };
  auto of_old = sim.SpawnJoinable(wait(old));
  sim.RunUntilIdle();

  library.Reconnect();
  auto of_new = sim.SpawnJoinable(wait(anew));
  sim.RunUntilIdle();
  const bool both_wait = !of_old.finished() && !of_new.finished();
  library.Say("hello");
  sim.RunUntilIdle();
  const bool only_new = !of_old.finished() && of_new.finished();
  library.EndOldServer();
  sim.RunUntilIdle();

  EXPECT_TRUE(both_wait);
  EXPECT_TRUE(only_new);
  EXPECT_EQ(library.TryRead(), "hello");
  ASSERT_TRUE(of_old.finished());
  EXPECT_EQ(of_old.BlockingJoin(), absl::OkStatus());  // Its other end is gone.
  old.reset();
  anew.reset();
}

// A user of the library, and the server that it talks to.
struct User {
  std::optional<Library> database;
  AsyncFd* fd = nullptr;  // While there is one.
  std::string heard;
  bool reconnected = false;
};

// As a user does who has it reconnect: what it waited for is over.
void ReconnectUnder(User& user) {
  if (user.fd == nullptr) return;
  user.database->Reconnect();
  user.database->Say("abcd");
  user.heard.clear();
  user.reconnected = true;
  user.fd->Close();
}

Task<absl::Status> SayTheRest(User& user) {
  co_await Yield();
  co_await Yield();
  if (!user.reconnected) user.database->Say("cd");
  co_return absl::OkStatus();
}

Task<absl::Status> ListenThrough(AsyncFd& fd, User& user) {
  while (user.heard.size() < 4) {
    const std::string text = user.database->TryRead();
    user.heard += text;
    if (text.empty()) co_await OrReturn(fd.WaitReadable());
  }
  co_return absl::OkStatus();
}

Task<absl::Status> Listen(User& user) {
  user.database.emplace().Say("ab");
  JoinHandle<absl::Status> server = Spawn(SayTheRest, std::ref(user));
  absl::Status heard = absl::FailedPreconditionError("not connected yet");
  while (absl::IsFailedPrecondition(heard)) {
    AsyncFd fd = co_await OrReturn(AsyncFd::Borrow(user.database->number()));
    user.fd = &fd;
    heard = co_await ListenThrough(fd, user);
    user.fd = nullptr;
  }
  co_await OrReturn(server.Join());
  user.database.reset();
  co_return heard;
}

TEST(AsyncFdLibraryTest, ALibraryThatReconnectsAnywhereIsHeardAgain) {
  const int before = OpenDescriptors();
  User user;

  const absl::StatusOr<int> places = weft::testing::CloseEverywhere(
      {.seeds = 20},
      [&user] {
        user = User();
        return Listen(user);
      },
      [&user] { ReconnectUnder(user); },
      [&user](const absl::Status& heard, const weft::testing::Interrupted&) {
        if (!heard.ok()) return heard;
        return user.heard == "abcd" ? absl::OkStatus()
                                    : absl::InternalError(user.heard);
      });

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 4);
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace weft::net
