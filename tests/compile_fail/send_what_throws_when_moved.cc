// A message moves between two tasks where neither could catch what it throws.
//
// Says: Message
//
// SPDX-License-Identifier: MIT

#include "weft/sync/channel.h"

struct Throws {
  Throws() = default;
  Throws(Throws&&) {}
};

weft::sync::Channel<Throws> channel(1);
