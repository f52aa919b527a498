// MainReactor: the one reactor of a runtime that has what is there once a
// process, such as its signals.
//
// Which of a runtime's reactors that is does not matter, but that it is the
// same for all who ask: two that want one signal meet there, and the second is
// told. So it is not the caller's own, and in a runtime of the flavor kPerCore
// not one of the caller's core.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_MAIN_REACTOR_H_
#define WEFT_RUNTIME_MAIN_REACTOR_H_

namespace weft {

namespace reactor {
class Reactor;
}  // namespace reactor

// RunMain watches its signals with it. Valid as long as the runtime.
// Requires: InsideRuntime().
reactor::Reactor& MainReactor() noexcept;

}  // namespace weft

#endif  // WEFT_RUNTIME_MAIN_REACTOR_H_
