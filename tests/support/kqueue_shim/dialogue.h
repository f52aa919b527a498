// A kqueue to talk with, and what it answers, in words.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_KQUEUE_SHIM_DIALOGUE_H_
#define WEFT_TESTS_SUPPORT_KQUEUE_SHIM_DIALOGUE_H_

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace weft::kqueue_shim {

using KernelEvent = struct kevent;

inline std::string NameOf(int error) {
  switch (error) {
    case EBADF:
      return "EBADF";
    case ECONNREFUSED:
      return "ECONNREFUSED";
    case ECONNRESET:
      return "ECONNRESET";
    case EINTR:
      return "EINTR";
    case EINVAL:
      return "EINVAL";
    case ENOENT:
      return "ENOENT";
    case ENOMEM:
      return "ENOMEM";
    case ESRCH:
      return "ESRCH";
    default:
      return absl::StrCat(error);
  }
}

inline std::string NameOfFilter(int filter) {
  switch (filter) {
    case EVFILT_READ:
      return "READ";
    case EVFILT_WRITE:
      return "WRITE";
    case EVFILT_PROC:
      return "PROC";
    case EVFILT_SIGNAL:
      return "SIGNAL";
    case EVFILT_TIMER:
      return "TIMER";
    case EVFILT_VNODE:
      return "VNODE";
    default:
      return "USER";
  }
}

// " WRITE EXTEND"
inline std::string NamesOfNotes(std::uint32_t notes) {
  constexpr std::array<const char*, 7> kNames = {
      "DELETE", "WRITE", "EXTEND", "ATTRIB", "LINK", "RENAME", "REVOKE"};
  std::string text;
  for (std::size_t bit = 0; bit < kNames.size(); ++bit) {
    if ((notes >> bit & 1U) != 0) absl::StrAppend(&text, " ", kNames[bit]);
  }
  return text;
}

// A READ is "READ 3", at the end of a stream "READ 3 EOF"; the answer to a
// change is "READ:ENOENT" or "READ:ok". A VNODE is "VNODE WRITE EXTEND".
inline std::string Describe(const KernelEvent& event) {
  const std::string name = NameOfFilter(event.filter);
  if ((event.flags & EV_ERROR) != 0) {
    const int error = static_cast<int>(event.data);
    return absl::StrCat(name, ":", error == 0 ? "ok" : NameOf(error));
  }
  std::string text = name;
  if (event.filter == EVFILT_VNODE) return text + NamesOfNotes(event.fflags);
  if (event.filter == EVFILT_USER || event.filter == EVFILT_PROC) {
    return absl::StrCat(text, " 0x", absl::Hex(event.fflags));
  }
  // How much can be written depends on the system.
  if (event.filter == EVFILT_WRITE) {
    if ((event.flags & EV_EOF) == 0) {
      absl::StrAppend(&text, event.data > 0 ? " some" : " none");
    }
  } else {
    absl::StrAppend(&text, " ", event.data);
  }
  if ((event.flags & EV_EOF) != 0) absl::StrAppend(&text, " EOF");
  if (event.fflags != 0) {
    absl::StrAppend(&text, " ", NameOf(static_cast<int>(event.fflags)));
  }
  return text;
}

// A kqueue and the descriptors that a dialogue needs, with short words for what
// it says.
class Dialogue {
 public:
  Dialogue() = default;
  Dialogue(const Dialogue&) = delete;
  Dialogue& operator=(const Dialogue&) = delete;
  ~Dialogue() {
    for (const int fd : opened_) ::close(fd);
    ::close(queue);
  }

  struct Change {
    int ident = 0;
    int filter = 0;
    unsigned flags = 0;
    std::uint32_t fflags = 0;
    std::intptr_t data = 0;
  };

  // Submits and returns what kevent answers, in words; "" for nothing.
  std::string Submit(const std::vector<Change>& changes) {
    return Call(changes, /*room=*/8, /*waits=*/false);
  }
  std::string Submit(int ident, int filter, unsigned flags,
                     std::uint32_t fflags = 0, std::intptr_t data = 0) {
    return SubmitWithoutRoom({{ident, filter, flags, fflags, data}});
  }
  std::string SubmitWithoutRoom(const std::vector<Change>& changes) {
    return Call(changes, /*room=*/0, /*waits=*/false);
  }
  // The events that are there; "" for none.
  std::string Poll() { return Call({}, /*room=*/8, /*waits=*/false); }
  // The events, as soon as there are any.
  std::string Wait() { return Call({}, /*room=*/8, /*waits=*/true); }
  // Two ends of a stream, closed by the dialogue.
  std::array<int, 2> Stream() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    opened_.insert({ends[0], ends[1]});
    return ends;
  }
  std::array<int, 2> Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    opened_.insert({ends[0], ends[1]});
    return ends;
  }
  // Closed by the dialogue; -1 where it cannot be opened.
  int Open(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd != -1) opened_.insert(fd);
    return fd;
  }
  int Socket() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    opened_.insert(fd);
    return fd;
  }
  // Binds `fd` to loopback; its address is then in `address`.
  void Bind(int fd) {
    address = sockaddr_in{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size),
              0);
  }
  int Connect(int fd) {
    return ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  }
  // Two ends of a TCP connection.
  std::array<int, 2> Connection() {
    const int listener = Socket();
    Bind(listener);
    EXPECT_EQ(::listen(listener, 1), 0);
    const int client = Socket();
    EXPECT_EQ(Connect(client), 0);
    const int accepted = ::accept(listener, nullptr, nullptr);
    opened_.insert(accepted);
    return {client, accepted};
  }
  void Close(int fd) {
    opened_.erase(fd);
    ::close(fd);
  }
  void Reset(int fd) {
    const linger at_once{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    Close(fd);
  }
  int Duplicate(int fd) {
    const int duplicate = ::dup(fd);
    opened_.insert(duplicate);
    return duplicate;
  }
  static void Write(int fd, std::string_view text) {
    EXPECT_EQ(::write(fd, text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }
  static void Read(int fd, std::size_t size) {
    std::string into(size, '\0');
    EXPECT_EQ(::read(fd, into.data(), size), static_cast<ssize_t>(size));
  }

  const int queue = ::kqueue();
  sockaddr_in address{};

 private:
  std::string Call(const std::vector<Change>& changes, int room, bool waits) {
    std::vector<KernelEvent> submitted(changes.size());
    for (std::size_t i = 0; i < changes.size(); ++i) {
      EV_SET(&submitted[i], static_cast<std::uintptr_t>(changes[i].ident),
             static_cast<std::int16_t>(changes[i].filter),
             static_cast<std::uint16_t>(changes[i].flags), changes[i].fflags,
             changes[i].data, nullptr);
    }
    std::vector<KernelEvent> events(static_cast<std::size_t>(room));
    const timespec at_once{};
    const int count =
        ::kevent(queue, submitted.data(), static_cast<int>(submitted.size()),
                 events.data(), room, waits ? nullptr : &at_once);
    if (count == -1) return NameOf(errno);
    std::vector<std::string> words;
    for (int i = 0; i < count; ++i) {
      words.push_back(Describe(events[static_cast<std::size_t>(i)]));
    }
    // Answers are in the order of the changes, events are in none.
    if (changes.empty()) std::ranges::sort(words);
    return absl::StrJoin(words, ", ");
  }

  std::set<int> opened_;
};

// Several answers. Braces, unlike `+`, ask for them from left to right.
inline std::string InTurn(std::initializer_list<std::string> answers) {
  return absl::StrJoin(answers, "; ");
}

struct Golden {
  std::string_view name;
  std::string (*talk)(Dialogue&);
  std::string_view answer;
};

inline void PrintTo(const Golden& golden, std::ostream* out) {
  *out << golden.name;
}

}  // namespace weft::kqueue_shim

#endif  // WEFT_TESTS_SUPPORT_KQUEUE_SHIM_DIALOGUE_H_
