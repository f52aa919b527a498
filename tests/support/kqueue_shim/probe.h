// What a BSD kernel would say about a descriptor now, asked of Linux.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_KQUEUE_SHIM_PROBE_H_
#define WEFT_TESTS_SUPPORT_KQUEUE_SHIM_PROBE_H_

#include <cstdint>

namespace weft::kqueue_shim {

struct Readiness {
  bool ready = false;
  bool ended = false;        // EV_EOF.
  bool broken = false;       // Ended by an error and not in good order.
  bool urgent = false;       // EV_OOBAND.
  std::intptr_t amount = 0;  // The `data` of the event.
};

Readiness ProbeRead(int fd);
Readiness ProbeWrite(int fd);

// A TCP socket that has no connection yet, or none any more.
bool IsUnconnected(int fd);

// A kqueue, which is an epoll instance here.
bool IsQueue(int fd);

}  // namespace weft::kqueue_shim

#endif  // WEFT_TESTS_SUPPORT_KQUEUE_SHIM_PROBE_H_
