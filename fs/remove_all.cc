// Removing a tree, step by step on the pool.
//
// SPDX-License-Identifier: MIT

#include "weft/fs/remove_all.h"

#include <string>
#include <utility>

#include "weft/fs/tree_remover.h"
#include "weft/reactor/reactor.h"
#include "weft/runtime/blocking_pool.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"

namespace weft::fs {
namespace {

Task<absl::StatusOr<std::uint64_t>> Remove(std::string path) {
  TreeRemover remover(CurrentReactor().system(), path);
  auto step = [&remover] { return remover.Step(); };
  bool done = false;
  while (!done) done = co_await OrReturn(Blocking(step));
  co_return remover.removed();
}

}  // namespace

// Not a coroutine itself: a path need not outlive the call.
Task<absl::StatusOr<std::uint64_t>> RemoveAll(std::string_view path) {
  return Remove(std::string(path));
}

}  // namespace weft::fs
