// The close of the C library, past the hook: for the shim's own descriptors.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_KQUEUE_SHIM_CLOSE_HOOK_H_
#define WEFT_TESTS_SUPPORT_KQUEUE_SHIM_CLOSE_HOOK_H_

extern "C" int __real_close(int fd);

#endif  // WEFT_TESTS_SUPPORT_KQUEUE_SHIM_CLOSE_HOOK_H_
