// A BSD kernel drops the knotes of a descriptor when it is closed. Linux tells
// nobody, and a number given out again would inherit the knotes of its
// predecessor. So every program with the shim in it is linked with
//
//     -Wl,--wrap=close,--wrap=dup2,--wrap=dup3
//
// (meson.build beside this file hands the flag to whoever depends on the shim),
// and the linker then leads each call of close to __wrap_close here, and each
// call of __real_close to the C library or the sanitizer in front of it. So the
// default System needs no change and no test a System of its own.
//
// Calls made inside shared libraries are not seen; none of those closes a
// descriptor that is polled.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/kqueue_shim/close_hook.h"

#include "weft/tests/support/kqueue_shim/kqueue_shim.h"

extern "C" {

int __real_dup2(int from, int to);
int __real_dup3(int from, int to, int flags);

int __wrap_close(int fd);
int __wrap_dup2(int from, int to);
int __wrap_dup3(int from, int to, int flags);

int __wrap_close(int fd) {
  weft::kqueue_shim::OnClose(fd);
  return __real_close(fd);
}

int __wrap_dup2(int from, int to) {
  if (from != to) weft::kqueue_shim::OnClose(to);
  return __real_dup2(from, to);
}

int __wrap_dup3(int from, int to, int flags) {
  if (from != to) weft::kqueue_shim::OnClose(to);
  return __real_dup3(from, to, flags);
}

}  // extern "C"
