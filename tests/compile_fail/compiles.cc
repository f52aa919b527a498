// All that the files beside this one do wrong, done right: it must compile.
//
// SPDX-License-Identifier: MIT

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "weft/net/tcp_stream.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/generator.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/sync/channel.h"
#include "weft/sync/mutex.h"

namespace {

weft::Task<int> Inner() { co_return 1; }

weft::Task<int> AwaitedOnce() {
  weft::Task<int> inner = Inner();
  co_return co_await std::move(inner);
}

weft::AsyncGenerator<int> AwaitsBetweenItems() {
  const int item = co_await Inner();
  co_yield item;
}

weft::Task<absl::Status> HandsTheErrorOn(absl::StatusOr<int> result) {
  co_await weft::OrReturn(std::move(result));
  co_return absl::OkStatus();
}

void SpawnsATask() { weft::Spawn(Inner).Detach(); }

weft::Task<int> MovesATask(weft::Task<int> task) { return task; }
weft::sync::Mutex::Guard MovesAGuard(weft::sync::Mutex::Guard guard) {
  return guard;
}
weft::net::TcpStream MovesAStream(weft::net::TcpStream stream) {
  return stream;
}

}  // namespace

int main() {
  weft::sync::Channel<int> channel(1);
  (void)AwaitedOnce;
  (void)AwaitsBetweenItems;
  (void)HandsTheErrorOn;
  (void)SpawnsATask;
  (void)MovesATask;
  (void)MovesAGuard;
  (void)MovesAStream;
}
