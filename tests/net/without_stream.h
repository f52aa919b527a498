// WithoutStream: while it lives, this program runs without one of its standard
// streams, and the number of that is free.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_WITHOUT_STREAM_H_
#define WEFT_TESTS_NET_WITHOUT_STREAM_H_

#include <fcntl.h>
#include <unistd.h>

#include "weft/reactor/fd.h"

namespace weft::tests {

class WithoutStream {
 public:
  explicit WithoutStream(int number)
      : number_(number), saved_(::fcntl(number, F_DUPFD_CLOEXEC, 10)) {
    ::close(number_);
  }
  ~WithoutStream() { ::dup2(saved_.get(), number_); }
  WithoutStream(const WithoutStream&) = delete;
  WithoutStream& operator=(const WithoutStream&) = delete;

 private:
  const int number_;
  const reactor::Fd saved_;
};

}  // namespace weft::tests

#endif  // WEFT_TESTS_NET_WITHOUT_STREAM_H_
