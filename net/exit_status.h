// ExitStatus: how a process has ended.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_NET_EXIT_STATUS_H_
#define WEFT_NET_EXIT_STATUS_H_

#include <optional>
#include <string>

namespace weft::net {

// A value. Either an exit code or the signal that ended it.
class ExitStatus {
 public:
  // As waitpid(2) gives it, of a process that has ended.
  explicit ExitStatus(int wait_status) noexcept : wait_status_(wait_status) {}

  // By itself, and with the code 0.
  bool ok() const noexcept { return code() == 0; }
  // Empty where a signal ended it.
  std::optional<int> code() const noexcept;
  // Empty where it ended by itself.
  std::optional<int> signal() const noexcept;
  // Whether it left an image of its memory behind.
  bool dumped_core() const noexcept;

  // "exit code 1", "signal 11, core dumped".
  std::string ToString() const;

  bool operator==(const ExitStatus&) const = default;

 private:
  int wait_status_;
};

}  // namespace weft::net

#endif  // WEFT_NET_EXIT_STATUS_H_
