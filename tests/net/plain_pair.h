// PlainPair: two ends of a socket that are no part of the runtime, with little
// room: what a library talks through, and whom it talks to.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_PLAIN_PAIR_H_
#define WEFT_TESTS_NET_PLAIN_PAIR_H_

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::net {

struct PlainPair {
  PlainPair() {
    std::array<int, 2> ends;
    reactor::System& system = reactor::System::Kernel();
    EXPECT_EQ(system.socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    near = reactor::Fd(ends[0]);
    far = reactor::Fd(ends[1]);
    const int size = 4096;
    system.setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  }

  // By the far end; at once.
  void Say(std::string_view text) const {
    EXPECT_EQ(::send(far.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  // What has come there; nothing where it would block.
  std::string Receive() const {
    std::array<char, 4096> buffer;
    const ssize_t got =
        ::recv(far.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return got < 0 ? ""
                   : std::string(buffer.data(), static_cast<std::size_t>(got));
  }

  reactor::Fd near;
  reactor::Fd far;
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_PLAIN_PAIR_H_
