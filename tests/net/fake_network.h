// FakeNetwork: a system in which the test says how soon each address answers a
// connect, and what.
//
// Whoever connects gets a real socket of the loopback interface, whatever the
// address; it is connected, or refused, when its time has come.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_FAKE_NETWORK_H_
#define WEFT_TESTS_NET_FAKE_NETWORK_H_

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/socket.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/current.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/tests/net/fake_names.h"

namespace weft::net {

class FakeNetwork : public FakeNames {
 public:
  // Who tried to connect where, and how many milliseconds after the first; in
  // tens of them, since a timer is a little late.
  struct Begun {
    std::string address;
    std::int64_t milliseconds;

    friend bool operator==(const Begun&, const Begun&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Begun& begun) {
      return out << begun.address << " at " << begun.milliseconds;
    }
  };

  FakeNetwork() {
    listener_ = *OpenTcpSocket(reactor::System::Kernel(), Address());
    EXPECT_TRUE(BindSocket(reactor::System::Kernel(), listener_.get(),
                           Address::Loopback(0))
                    .ok());
    EXPECT_EQ(::listen(listener_.get(), 1000), 0);
  }

  // Others are silent.
  void AnswerAfter(absl::Duration delay, const Address& address,
                   int error = 0) {
    answers_[address.ToString()] = {delay, error};
  }
  void Refuse(const Address& address) {
    AnswerAfter(absl::ZeroDuration(), address, ECONNREFUSED);
  }

  std::vector<Begun> begun;

  int socket(int, int type, int protocol) override {
    return FakeNames::socket(AF_INET, type, protocol);
  }
  int setsockopt(int fd, int level, int name, const void* value,
                 socklen_t size) override {
    if (level == IPPROTO_IPV6) return 0;
    return FakeNames::setsockopt(fd, level, name, value, size);
  }
  int close(int fd) override {
    open_.erase(fd);
    return FakeNames::close(fd);
  }
  int connect(int fd, const sockaddr* address, socklen_t size) override {
    Address::SystemForm form;
    std::memcpy(form.get(), address, size);
    *form.size_to_fill() = size;
    const std::string name = Address::FromSystem(form)->ToString();
    begun.push_back({name, MillisecondsSinceTheFirst()});
    const auto answer = answers_.find(name);
    if (answer != answers_.end()) {
      const auto [delay, error] = answer->second;
      if (delay <= absl::ZeroDuration()) return AnswerNow(fd, error);
      open_[fd] = {.number = ++attempts_, .error = 0};
      Spawn(&FakeNetwork::AnswerLater, this, fd, attempts_, delay, error)
          .Detach();
    }
    errno = EINPROGRESS;
    return -1;
  }
  int getsockopt(int fd, int level, int name, void* value,
                 socklen_t* size) override {
    const auto found = open_.find(fd);
    if (found == open_.end() || name != SO_ERROR || found->second.error == 0) {
      return FakeNames::getsockopt(fd, level, name, value, size);
    }
    *static_cast<int*>(value) = found->second.error;
    return 0;
  }

 private:
  struct Answer {
    absl::Duration delay;
    int error;
  };
  // A descriptor's number is used again; that of an attempt is not.
  struct Waiting {
    int number;
    int error;
  };

  int AnswerNow(int fd, int error) {
    if (error != 0) {
      errno = error;
      return -1;
    }
    const Address::SystemForm form =
        LocalAddressOf(reactor::System::Kernel(), listener_.get())->ToSystem();
    return FakeNames::connect(fd, form.get(), form.size());
  }

  static Task<absl::Status> AnswerLater(FakeNetwork* network, int fd,
                                        int number, absl::Duration delay,
                                        int error) {
    co_await OrReturn(SleepFor(delay));
    const auto found = network->open_.find(fd);
    if (found == network->open_.end() || found->second.number != number) {
      co_return absl::OkStatus();  // Given up meanwhile.
    }
    found->second.error = error;
    // Whichever it is, the poller tells of it.
    if (error == 0) {
      network->AnswerNow(fd, 0);
    } else {
      ::shutdown(fd, SHUT_RDWR);
    }
    co_return absl::OkStatus();
  }

  std::int64_t MillisecondsSinceTheFirst() {
    if (begun.empty()) first_ = Now();
    return absl::ToInt64Milliseconds(Now() - first_) / 10 * 10;
  }

  reactor::Fd listener_;
  std::map<std::string, Answer> answers_;
  std::map<int, Waiting> open_;
  int attempts_ = 0;
  Instant first_;
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_FAKE_NETWORK_H_
