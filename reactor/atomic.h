// Atomic<T>: the one name by which this library calls std::atomic.
//
// Every word that two threads share is an Atomic, so that the explorer of
// tests/explore can put its own in this header's place: one that lets it choose
// which thread runs next, and which of the values that a weak load may return
// the load does return. Everywhere else it *is* std::atomic.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_REACTOR_ATOMIC_H_
#define WEFT_REACTOR_ATOMIC_H_

#include <atomic>

namespace weft::reactor {

template <typename T>
using Atomic = std::atomic<T>;

}  // namespace weft::reactor

#endif  // WEFT_REACTOR_ATOMIC_H_
