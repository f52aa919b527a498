// Atomic<T> for the layers that do not know the reactor.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_ATOMIC_H_
#define WEFT_RUNTIME_ATOMIC_H_

#include "weft/reactor/atomic.h"

namespace weft {

using reactor::Atomic;

}  // namespace weft

#endif  // WEFT_RUNTIME_ATOMIC_H_
