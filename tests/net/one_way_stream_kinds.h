// The kinds of operation on streams that one_way_test.cc interrupts.
//
//     kind               sends                 receives
//     VectoredKind       WriteVectored         ReadVectored
//     PeekKind           Write                 Peek, and Read
//     SendFileKind       SendFile              Read
//     ColdFileKind       the same, of a file that is not in memory
//     CopiedFileKind     the same, where the system cannot send a file
//     DescriptorsKind    SendDescriptors       ReceiveDescriptors
//     SharedKind         OutputStream::Write   InputStream::Read
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_ONE_WAY_STREAM_KINDS_H_
#define WEFT_TESTS_NET_ONE_WAY_STREAM_KINDS_H_

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/descriptor_passing.h"
#include "weft/net/standard_streams.h"
#include "weft/net/unix_stream.h"
#include "weft/reactor/fd.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/tests/net/one_way_kinds.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {

class VectoredKind : public UnixKind<UnixStream> {
 public:
  static constexpr char kName[] = "Vectored";

  static Moved Send(UnixStream& stream, Piece rest) {
    const Piece first = First(rest, 1'000);
    const Piece second = First(rest.subspan(first.size()), 2'000);
    const std::array<Piece, 2> parts = {first, second};
    co_return co_await stream.WriteVectored(parts);
  }
  static Moved Receive(UnixStream& stream, std::span<std::byte> into) {
    const std::array<std::span<std::byte>, 2> parts = {into.first(700),
                                                       into.subspan(700)};
    co_return co_await stream.ReadVectored(parts);
  }
};

class PeekKind : public UnixKind<UnixStream> {
 public:
  static constexpr char kName[] = "Peek";

  static Moved Send(UnixStream& stream, Piece rest) {
    co_return co_await stream.Write(First(rest, 2'000));
  }
  // What was seen is what is read.
  static Moved Receive(UnixStream& stream, std::span<std::byte> into) {
    std::array<std::byte, 1'500> seen;
    const std::size_t count = co_await OrReturn(stream.Peek(seen));
    const std::size_t got = co_await OrReturn(stream.Read(into.first(count)));
    EXPECT_EQ(Text(std::span(seen).first(count)), Text(into.first(got)));
    co_return got;
  }
};

// In one operation, of which nobody knows how far it came when it is ended.
class SendFileKind : public UnixKind<UnixStream> {
 public:
  static constexpr char kName[] = "SendFile";
  // The system takes 64 KiB of a file at once, however small the buffer is.
  static constexpr std::size_t kSize = 400'000;
  static constexpr bool kAtomic = false;

  SendFileKind() {
    // Of the longest of its kinds.
    folder_.Write("file", Text(Pattern(kSize)));
    file_ =
        reactor::Fd(::open((folder_ / "file").c_str(), O_RDONLY | O_CLOEXEC));
  }

  Moved Send(UnixStream& stream, Piece rest) {
    return SendFrom(stream, kSize - rest.size(), rest.size());
  }
  static Moved Receive(UnixStream& stream, std::span<std::byte> into) {
    co_return co_await stream.Read(into);
  }

 protected:
  Moved SendFrom(UnixStream& stream, std::uint64_t at, std::uint64_t size) {
    const std::uint64_t sent =
        co_await OrReturn(stream.SendFile(file_, at, size));
    co_return static_cast<std::size_t>(sent);
  }

 private:
  weft::testing::TemporaryDirectory folder_;
  reactor::Fd file_;
};

// Nothing of it is in memory, so that the blocking pool reads it in.
class ColdFileKind : public SendFileKind {
 public:
  static constexpr char kName[] = "ColdFile";

  class System : public weft::testing::SimulatedSystem {
   public:
    ssize_t pread_nowait(int, void*, std::size_t, off_t) override {
      errno = EAGAIN;
      return -1;
    }
  };
};

class CopiedFileKind : public SendFileKind {
 public:
  static constexpr char kName[] = "CopiedFile";
  static constexpr std::size_t kSize = 60'000;

  class System : public weft::testing::SimulatedSystem {
   public:
    ssize_t sendfile(int, int, off_t, std::size_t) override {
      errno = EINVAL;
      return -1;
    }
  };

  Moved Send(UnixStream& stream, Piece rest) {
    return SendFrom(stream, kSize - rest.size(), rest.size());
  }
};

class DescriptorsKind : public UnixKind<UnixStream>, public Passing {
 public:
  static constexpr char kName[] = "Descriptors";

  Moved Send(UnixStream& stream, Piece rest) {
    const std::size_t sent =
        co_await OrReturn(stream.SendDescriptors(First(rest, 2'000), kOne));
    ++passed_;
    co_return sent;
  }
  Moved Receive(UnixStream& stream, std::span<std::byte> into) {
    const ReceivedDescriptors got =
        co_await OrReturn(stream.ReceiveDescriptors(into));
    taken_ += static_cast<int>(got.descriptors.size());
    co_return got.size;
  }
  absl::Status Check() const { return Passing::Check(); }
};

// Through a pipe that blocks, as those do that a shell hands out.
class SharedKind : public PlainKind {
 public:
  static constexpr char kName[] = "Shared";
  using Sender = OutputStream;
  using Receiver = InputStream;
  struct Ends {
    OutputStream sender;
    InputStream receiver;
  };

  static Task<absl::StatusOr<Ends>> Connect() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    EXPECT_GT(::fcntl(ends[0], F_SETPIPE_SZ, 4096), 0);
    reactor::Fd read(ends[0]);
    reactor::Fd write(ends[1]);
    InputStream input =
        co_await OrReturn(InputStream::Adopt(std::move(read), "input"));
    OutputStream output =
        co_await OrReturn(OutputStream::Adopt(std::move(write), "output"));
    co_return Ends{std::move(output), std::move(input)};
  }
  static Moved Send(OutputStream& output, Piece rest) {
    return output.Write(First(rest, 3'000));
  }
  static Moved Receive(InputStream& input, std::span<std::byte> into) {
    return input.Read(into);
  }
  static void SetPatience(InputStream&, const absl::Status&) {}
};

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_ONE_WAY_STREAM_KINDS_H_
