// Splitting, reuniting and closing.
//
// SPDX-License-Identifier: MIT

#include "weft/net/stream_socket.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "weft/net/send_file.h"
#include "weft/net/socket_options.h"
#include "weft/reactor/os_error.h"
#include "weft/reactor/system.h"

namespace weft::net {
namespace {

using ::weft::reactor::Fd;
using ::weft::reactor::Source;
using ::weft::reactor::SourceHandle;
using ::weft::reactor::System;

absl::Status ShutDownWriting(Source& source) {
  return WithDescriptor(source, [](System& system, int fd) {
    // A peer that is gone has no need to be told.
    if (system.shutdown(fd, SHUT_WR) == 0 || errno == ENOTCONN) {
      return absl::OkStatus();
    }
    return reactor::ErrnoToStatus(errno, "shutdown");
  });
}

}  // namespace

absl::Status StreamSocket::ShutdownWrite() { return ShutDownWriting(*source_); }

Task<absl::StatusOr<std::uint64_t>> StreamSocket::SendFile(const Fd& file,
                                                           std::uint64_t offset,
                                                           std::uint64_t size) {
  return SendFileTo(*source_, write_, file, offset, size);
}

absl::Status StreamSocket::SetSendBufferSize(int bytes) {
  return SetOptionOf(*source_, kSendBufferSize, bytes);
}

absl::Status StreamSocket::SetReceiveBufferSize(int bytes) {
  return SetOptionOf(*source_, kReceiveBufferSize, bytes);
}

absl::StatusOr<int> StreamSocket::send_buffer_size() const {
  return OptionOf(*source_, kSendBufferSize);
}

absl::StatusOr<int> StreamSocket::receive_buffer_size() const {
  return OptionOf(*source_, kReceiveBufferSize);
}

// --- Halves -----------------------------------------------------------------

std::pair<StreamSocket::ReadHalf, StreamSocket::WriteHalf>
StreamSocket::Split() && {
  auto shared = std::make_shared<SourceHandle>(std::move(source_));
  return {ReadHalf(shared, std::move(read_)),
          WriteHalf(shared, std::move(write_))};
}

absl::StatusOr<StreamSocket> StreamSocket::ReuniteHalves(ReadHalf read,
                                                         WriteHalf write) {
  if (read.source_ != write.source_) {
    return absl::InvalidArgumentError(
        "these are halves of two streams: reunite what came from one Split");
  }
  const std::shared_ptr<SourceHandle> shared = std::move(read.source_);
  write.source_.reset();  // So that it does not shut its direction down.
  return StreamSocket(std::move(*shared), std::move(read.end_),
                      std::move(write.end_));
}

StreamSocket::WriteHalf::~WriteHalf() {
  if (source_ == nullptr) return;  // Moved from, or reunited.
  // With the reader gone, the close does it; and closed, it is done.
  if (source_.use_count() > 1) ShutDownWriting(**source_).IgnoreError();
}

absl::Status StreamSocket::WriteHalf::ShutdownWrite() {
  return ShutDownWriting(**source_);
}

Task<absl::StatusOr<std::uint64_t>> StreamSocket::WriteHalf::SendFile(
    const Fd& file, std::uint64_t offset, std::uint64_t size) {
  return SendFileTo(**source_, end_, file, offset, size);
}

}  // namespace weft::net
