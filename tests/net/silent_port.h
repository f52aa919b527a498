// Ports of this machine at which nobody answers: one that refuses, and one that
// says nothing at all.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_SILENT_PORT_H_
#define WEFT_TESTS_NET_SILENT_PORT_H_

#include <sys/socket.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/socket.h"
#include "weft/reactor/fd.h"
#include "weft/reactor/system.h"

namespace weft::net {

// A port of the loopback interface that is taken and on which nobody listens.
class DeafPort {
 public:
  DeafPort() : fd_(*OpenTcpSocket(kernel(), Address::Loopback(0))) {
    BindSocket(kernel(), fd_.get(), Address::Loopback(0)).IgnoreError();
  }
  Address address() const { return *LocalAddressOf(kernel(), fd_.get()); }
  int fd() const { return fd_.get(); }

 private:
  static reactor::System& kernel() { return reactor::System::Kernel(); }

  reactor::Fd fd_;
};

// A port with so many unaccepted connections that the system leaves one more
// without an answer.
class SilentPort {
 public:
  SilentPort() {
    ::listen(port_.fd(), 0);
    for (int i = 0; i < 4; ++i) {
      reactor::Fd client = *OpenTcpSocket(reactor::System::Kernel(), address());
      const Address::SystemForm form = address().ToSystem();
      const int status = ::connect(client.get(), form.get(), form.size());
      EXPECT_TRUE(status == 0 || errno == EINPROGRESS);
      clients_.push_back(std::move(client));
    }
  }
  Address address() const { return port_.address(); }

 private:
  DeafPort port_;
  std::vector<reactor::Fd> clients_;
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_SILENT_PORT_H_
