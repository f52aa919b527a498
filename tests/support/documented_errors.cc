// The table of documented_errors.h.
//
// The man pages are Linux's, man-pages 6; where POSIX lists one more that a
// file system or another kernel gives, it is in as well. EINTR stands wherever
// a page has it, and for calls on names, which a network file system may
// interrupt: nfs(5), option intr.
//
// SPDX-License-Identifier: MIT

#include "weft/tests/support/documented_errors.h"

#include <netdb.h>

#include <cerrno>
#include <map>
#include <string_view>

namespace weft::tests {
namespace {

using Table = std::map<std::string_view, DocumentedErrors>;

// What any call that looks a path up may find.
Table Names() {
  return {
      {"chmod", {{EINTR}, {}, {EACCES, EIO, ELOOP, ENOMEM, EPERM, EROFS}}},
      {"fchownat", {{EINTR}, {}, {EACCES, EIO, ELOOP, ENOMEM, EPERM, EROFS}}},
      // Nothing was written, so nothing can have been lost.
      {"closedir", {{EINTR, EIO}, {}, {}}},
      {"fdopendir", {{EINTR}, {}, {ENOMEM}}},
      {"inotify_add_watch", {{EINTR}, {}, {EACCES, ENOMEM, ENOSPC}}},
      {"inotify_rm_watch", {{EINTR}, {}, {}}},
      {"link",
       {{EINTR},
        {},
        {EACCES, EDQUOT, EIO, EMLINK, ENOMEM, ENOSPC, EPERM, EROFS, EXDEV}}},
      // Asked of a socket's file: is it ours to remove?
      {"lstat", {{}, {}, {}, {EACCES, ELOOP, ENOMEM, EOVERFLOW}}},
      {"mkdir",
       {{EINTR}, {}, {EACCES, EDQUOT, EMLINK, ENOMEM, ENOSPC, EPERM, EROFS}}},
      {"mkdtemp", {{EINTR}, {}, {EACCES, EDQUOT, ENOMEM, ENOSPC, EROFS}}},
      {"open",
       {{EINTR},
        {},
        {EACCES, EDQUOT, EFBIG, EISDIR, ELOOP, EMFILE, ENFILE, ENODEV, ENOMEM,
         ENOSPC, ENXIO, EPERM, EROFS, ETXTBSY},
        // Another name is as good for a file that is temporary.
        {EEXIST}}},
      {"openat",
       {{EINTR}, {}, {EACCES, EMFILE, ENFILE, ENOMEM, EPERM, EOVERFLOW}}},
      {"opendir", {{EINTR}, {}, {EACCES, EMFILE, ENFILE, ENOMEM}}},
      {"readdir", {{EINTR}, {}, {EIO, EOVERFLOW}}},
      {"readlink", {{EINTR}, {}, {EACCES, EIO, ELOOP, ENOMEM}}},
      {"realpath", {{EINTR}, {}, {EACCES, EIO, ELOOP, ENOMEM}}},
      {"rename",
       {{EINTR},
        {},
        {EACCES, EBUSY, EDQUOT, EMLINK, ENOMEM, ENOSPC, EPERM, EROFS, EXDEV}}},
      // EINVAL and ENOTSUP say that the file system has no such call.
      {"rename_noreplace",
       {{EINTR},
        {},
        {EACCES, EBUSY, EDQUOT, EEXIST, EINVAL, EMLINK, ENOMEM, ENOSPC, ENOTSUP,
         EPERM, EROFS, EXDEV}}},
      {"rmdir", {{EINTR}, {}, {EACCES, EBUSY, ENOMEM, EPERM, EROFS}}},
      {"stat", {{EINTR}, {}, {EACCES, ELOOP, ENOMEM, EOVERFLOW}}},
      {"statvfs", {{EINTR}, {}, {EACCES, EIO, ELOOP, ENOMEM, ENOSYS}}},
      {"symlink",
       {{EINTR}, {}, {EACCES, EDQUOT, EIO, ENOMEM, ENOSPC, EPERM, EROFS}}},
      // The last thing that many a destructor does.
      {"unlink", {{EINTR}, {}, {}, {EACCES, EBUSY, EIO, ENOMEM, EPERM, EROFS}}},
      // EPERM is what POSIX says of a directory.
      {"unlinkat", {{EINTR}, {}, {EACCES, EBUSY, EIO, ENOMEM, EROFS}, {EPERM}}},
      {"utimensat", {{EINTR}, {}, {EACCES, EPERM, EROFS}}},
  };
}

Table Files() {
  // That a program does not read its input is for whoever started it to judge.
  const DocumentedErrors written = {
      {EINTR}, {EAGAIN}, {EDQUOT, EFBIG, EIO, ENOSPC, EPERM}, {EPIPE}};
  // Of what the cache cannot give, for whatever reason, the disk is asked.
  const DocumentedErrors from_cache = {
      {EINTR, EAGAIN, EIO, ENOTSUP, EOPNOTSUPP}, {}, {}};
  return {
      // The kernel's way is given up for the other one.
      {"copy_file_range",
       {{EINTR, EINVAL, ENOSYS, EOPNOTSUPP, EPERM, EXDEV},
        {},
        {EFBIG, EIO, ENOMEM, ENOSPC, EOVERFLOW, ETXTBSY}}},
      {"fallocate",
       {{EINTR}, {}, {EFBIG, EIO, ENODEV, ENOSPC, EOPNOTSUPP, EPERM}}},
      // ESPIPE is what Linux says of a pipe; ENOTSUP of a system without it.
      {"fadvise", {{EINTR}, {}, {ENOTSUP, ESPIPE}}},
      {"fchmod", {{EINTR}, {}, {EIO, EPERM, EROFS}}},
      {"fchown", {{EINTR}, {}, {EDQUOT, EIO, EPERM, EROFS}}},
      {"fdatasync", {{EINTR}, {}, {EDQUOT, EIO, ENOSPC}}},
      {"flock", {{EINTR}, {}, {ENOLCK, EOPNOTSUPP}}},
      {"lseek", {{ESPIPE}, {}, {EOVERFLOW}}},
      // Asked where a read may have found the end; a second read finds it, too.
      {"fstat", {{}, {}, {}, {EIO, ENOMEM, EOVERFLOW}}},
      {"fstatvfs", {{EINTR}, {}, {EIO, ENOMEM, ENOSYS}}},
      {"fsync", {{EINTR}, {}, {EDQUOT, EIO, ENOSPC}}},
      {"ftruncate", {{EINTR}, {}, {EFBIG, EIO, EPERM}}},
      {"futimens", {{EINTR}, {}, {EACCES, EPERM, EROFS}}},
      {"pread", {{EINTR}, {}, {EIO, EISDIR, ENOMEM}}},
      {"pread_nowait", from_cache},
      {"preadv", {{EINTR}, {}, {EIO, EISDIR, ENOMEM}}},
      {"preadv_nowait", from_cache},
      {"pwrite", written},
      {"pwritev", written},
      {"read", {{EINTR}, {EAGAIN}, {EIO, EISDIR}}},
      {"readv", {{EINTR}, {EAGAIN}, {EIO, EISDIR}}},
      {"read_nowait", {{EINTR, ENOTSUP, EOPNOTSUPP}, {EAGAIN}, {EIO}}},
      {"write", written},
      {"writev", written},
      {"write_nowait", {{EINTR, ENOTSUP, EOPNOTSUPP}, {EAGAIN}, {EIO, EPIPE}}},
  };
}

Table Sockets() {
  const DocumentedErrors received = {
      {EINTR}, {EAGAIN}, {ECONNREFUSED, ECONNRESET, ENOMEM, ETIMEDOUT}};
  const DocumentedErrors sent = {{EINTR},
                                 {EAGAIN},
                                 {EACCES, ECONNRESET, EHOSTUNREACH, EMSGSIZE,
                                  ENETUNREACH, ENOBUFS, ENOMEM, EPERM, EPIPE}};
  return {
      {"accept",
       {{EINTR, ECONNABORTED, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET,
         EHOSTUNREACH, EOPNOTSUPP, ENETDOWN, ENETUNREACH, EMFILE, ENFILE,
         ENOBUFS, ENOMEM, EPERM},
        {EAGAIN},
        {}}},
      {"bind", {{}, {}, {EACCES, EADDRINUSE, EADDRNOTAVAIL, ENOMEM, EROFS}}},
      // A host may have another address; and EAGAIN is a full queue of a Unix
      // socket, which is waited for.
      {"connect",
       {{EINTR},
        {},
        {},
        {EACCES, EADDRINUSE, EADDRNOTAVAIL, EAGAIN, ECONNREFUSED, ENETUNREACH,
         EPERM, ETIMEDOUT}}},
      {"getpeername", {{}, {}, {ENOBUFS}}},
      {"getsockname", {{}, {}, {ENOBUFS}}},
      {"getsockopt", {{}, {}, {ENOBUFS, ENOPROTOOPT}}},
      {"listen", {{}, {}, {EADDRINUSE, EOPNOTSUPP}}},
      {"peer_credentials", {{}, {}, {ENOPROTOOPT}}},
      {"recv", received},
      {"recvmmsg", received},
      {"recvmsg", received},
      {"send", sent},
      // What it cannot do with this file is done in another way.
      {"sendfile",
       {{EINTR, EINVAL, ENOSYS}, {EAGAIN}, {EIO, ENOMEM, ECONNRESET, EPIPE}}},
      {"sendmmsg", sent},
      {"sendmsg", sent},
      {"setsockopt", {{}, {}, {ENOBUFS, ENOPROTOOPT, ENOMEM}}},
      // The last thing that a half of a stream does.
      {"shutdown", {{}, {}, {}, {ENOBUFS}}},
      // A host may have another address, and of another family.
      {"socket",
       {{}, {}, {}, {EACCES, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM}}},
      {"socketpair", {{}, {}, {EAFNOSUPPORT, EMFILE, ENFILE}}},
      // EINVAL out of a socket says to go through a buffer; into one, it is too
      // late for that.
      {"splice", {{EINTR}, {EAGAIN}, {ENOMEM, ECONNRESET, EPIPE}, {EINVAL}}},
  };
}

Table Others() {
  return {
      // The number is given back, whatever it says; and mostly nobody asks.
      {"close", {{EINTR}, {}, {}, {EDQUOT, EIO, ENOSPC}}},
      // To be told of nothing more is nothing to be told of.
      {"event_queue_control", {{EINTR}, {}, {}, {ENOMEM, ENOSPC}}},
      {"event_queue_wait", {{EINTR}, {}, {}}},
      {"fcntl", {{}, {}, {}, {EMFILE, EPERM}}},
      {"getaddrinfo",
       {{},
        {},
        {EAI_AGAIN, EAI_FAIL, EAI_MEMORY, EAI_NONAME, EAI_NODATA,
         EAI_ADDRFAMILY, EAI_SYSTEM}}},
      // Those of the socket that it asks through: if_nametoindex(3).
      {"if_nametoindex", {{}, {}, {EMFILE, ENFILE, ENOBUFS, ENOMEM}}},
      {"inotify_init", {{EINTR}, {}, {EMFILE, ENFILE, ENOMEM}}},
      {"ioctl", {{ENOTTY}, {}, {}}},
      // A process that cannot be asked to end is killed, if it can be.
      {"kill", {{}, {}, {}, {EPERM, ESRCH}}},
      // Without one, the children are asked by the clock.
      {"pidfd_open", {{EINTR, EMFILE, ENFILE, ENODEV, ENOMEM}, {}, {}}},
      {"pipe", {{}, {}, {EMFILE, ENFILE}}},
      {"posix_spawnp", {{}, {}, {EACCES, EAGAIN, ENOENT, ENOEXEC, ENOMEM}}},
      {"waitpid", {{EINTR}, {}, {ECHILD}}},
  };
}

Table All() {
  Table all = Names();
  all.merge(Files());
  all.merge(Sockets());
  all.merge(Others());
  return all;
}

}  // namespace

const DocumentedErrors& ErrorsOf(std::string_view call) {
  static const Table& table = *new Table(All());
  static const DocumentedErrors& none = *new DocumentedErrors;
  const auto found = table.find(call);
  return found == table.end() ? none : found->second;
}

}  // namespace weft::tests
