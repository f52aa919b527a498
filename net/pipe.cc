// Making pipes.
//
// SPDX-License-Identifier: MIT

#include "weft/net/pipe.h"

#include <array>
#include <cerrno>
#include <utility>

#include "weft/reactor/os_error.h"
#include "weft/reactor/reactor.h"
#include "weft/reactor/source_pool.h"
#include "weft/runtime/current.h"

namespace weft::net {
namespace {

using ::weft::reactor::Fd;

reactor::SourceHandle Adopted(Fd end) {
  reactor::Reactor& reactor = CurrentReactor();
  return reactor.sources().Adopt(std::move(end), reactor.system());
}

}  // namespace

PipeReader PipeReader::Adopt(Fd end, std::string name) {
  return PipeReader(Adopted(std::move(end)), Peer::Pipe(std::move(name)));
}

PipeWriter PipeWriter::Adopt(Fd end, std::string name) {
  return PipeWriter(Adopted(std::move(end)), Peer::Pipe(std::move(name)));
}

absl::StatusOr<PipeEnds> OpenPipe(reactor::System& system) {
  std::array<int, 2> ends{};
  if (system.pipe(ends.data()) == -1) {
    return reactor::ErrnoToStatus(errno, "pipe");
  }
  return PipeEnds{.read = Fd(ends[0], system), .write = Fd(ends[1], system)};
}

absl::StatusOr<Pipe> MakePipe() {
  absl::StatusOr<PipeEnds> ends = OpenPipe(CurrentReactor().system());
  if (!ends.ok()) return std::move(ends).status();
  return Pipe{.reader = PipeReader::Adopt(std::move(ends->read), "pipe"),
              .writer = PipeWriter::Adopt(std::move(ends->write), "pipe")};
}

}  // namespace weft::net
