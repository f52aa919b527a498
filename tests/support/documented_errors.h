// DocumentedErrors: the errors that each system call may give, as its man page
// lists them, as data.
//
// Left out is what only a bug of ours brings about (EBADF, EFAULT, and EINVAL
// where it is not "cannot do that with this kind of file"), and what would say
// that the world is another than it is: ENOENT from a stat of what is there.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_DOCUMENTED_ERRORS_H_
#define WEFT_TESTS_SUPPORT_DOCUMENTED_ERRORS_H_

#include <string_view>
#include <vector>

namespace weft::tests {

struct DocumentedErrors {
  // What a program does not notice: it is tried again, or in another way.
  std::vector<int> survived;
  // As those, of a descriptor that can be waited for. A file cannot.
  std::vector<int> waited_for;
  // What a program is told: whatever the call was for has not been done.
  std::vector<int> told;
  // What it may be told, or not: nothing of what it wants depends on it, there
  // is another way for some, or nobody is left to tell.
  std::vector<int> may_be_told = {};
};

// Of the call with this name in reactor::System. Of getaddrinfo they are EAI_
// numbers. None for a call that cannot fail.
const DocumentedErrors& ErrorsOf(std::string_view call);

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_DOCUMENTED_ERRORS_H_
