// Tests of copies that are cancelled, or whose streams are closed, at every
// place where they wait: they say so, what has come is a beginning of what was
// sent, and nothing stays open.
//
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/net/copy_stream.h"
#include "weft/net/unix_stream.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/spawn.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/tests/net/conformance/stream_test.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/support/open_descriptors.h"

namespace weft::net {
namespace {

using ::weft::testing::CancelEverywhere;
using ::weft::testing::CloseEverywhere;
using ::weft::testing::EverywhereOptions;
using ::weft::testing::Interrupted;
using ::weft::testing::OpenDescriptors;

constexpr std::size_t kSize = 150'000;
constexpr EverywhereOptions kOptions = {.seeds = 3};

using Copy = Task<absl::StatusOr<std::uint64_t>> (*)(UnixStream&, UnixStream&);

// feeder --- all, and the end ---> [ from, a copy, to ] ---> drain
struct Relayed {
  UnixStream* from = nullptr;  // While they are there.
  UnixStream* to = nullptr;
  std::vector<std::byte> came = {};
  absl::Status drained = absl::OkStatus();
  std::uint64_t copied = 0;
  int open_before = 0;
};

Task<absl::Status> Feed(UnixStream& stream) {
  static const std::vector<std::byte> all = Pattern(kSize);
  co_await OrReturn(stream.WriteAll(all));
  co_return stream.ShutdownWrite();
}

Task<absl::Status> Drain(UnixStream& stream, std::vector<std::byte>& came) {
  came = co_await OrReturn(ReadAll(stream));
  co_return absl::OkStatus();
}

Task<absl::Status> Relay(Copy copy, Relayed& relayed) {
  auto left = co_await OrReturn(UnixStream::Pair());
  auto right = co_await OrReturn(UnixStream::Pair());
  co_await OrReturn(left.first.SetSendBufferSize(4096));
  co_await OrReturn(right.first.SetSendBufferSize(4096));
  relayed.from = &left.second;
  relayed.to = &right.first;
  JoinHandle<absl::Status> feeder = Spawn(Feed, std::ref(left.first));
  JoinHandle<absl::Status> drain =
      Spawn(Drain, std::ref(right.second), std::ref(relayed.came));
  const absl::StatusOr<std::uint64_t> copied =
      co_await copy(left.second, right.first);
  relayed.from = relayed.to = nullptr;
  left.second.Close();
  right.first.Close();
  const auto join = [&]() -> Task<absl::Status> {
    // It is told that nobody reads any more, where that is so.
    (co_await feeder.Join()).IgnoreError();
    co_return co_await drain.Join();
  };
  relayed.drained = co_await Shield(join());
  relayed.copied = copied.value_or(0);
  co_return copied.status();
}

// It leaves the end for a read to find, and all before that is its own.
Task<absl::StatusOr<std::uint64_t>> Splice(UnixStream& from, UnixStream& to) {
  const Spliced spliced = co_await OrReturn(SpliceAll(
      from.source(), from.read_end(), to.source(), to.write_end(), nullptr));
  co_return spliced.bytes;
}

Task<absl::StatusOr<std::uint64_t>> Whole(UnixStream& from, UnixStream& to) {
  return CopyStream(from, to);
}

Task<absl::StatusOr<std::uint64_t>> ThroughBuffer(UnixStream& from,
                                                  UnixStream& to) {
  return CopyThroughBuffer(from, to, nullptr);
}

struct Way {
  std::string name;
  Copy copy;
};

class CopyInterruptTest : public ::testing::TestWithParam<Way> {
 protected:
  Task<absl::Status> Start() {
    relayed_ = Relayed{.open_before = OpenDescriptors()};
    return Relay(GetParam().copy, relayed_);
  }

  absl::Status Check(const absl::Status& copied, const Interrupted& at) const {
    if (!relayed_.drained.ok()) return relayed_.drained;
    if (!IsPattern(relayed_.came)) {
      return absl::InternalError("other bytes have come than were sent");
    }
    const bool all = relayed_.came.size() == kSize && relayed_.copied == kSize;
    if ((copied.ok() || at.undisturbed) && !all) {
      return absl::InternalError("not all has come");
    }
    if (OpenDescriptors() != relayed_.open_before) {
      return absl::InternalError("a descriptor is left open");
    }
    return absl::OkStatus();
  }

  // Closes that stream everywhere.
  absl::StatusOr<int> Close(UnixStream* Relayed::* stream) {
    return CloseEverywhere(
        kOptions, [this] { return Start(); },
        [this, stream] {
          if (relayed_.*stream != nullptr) (relayed_.*stream)->Close();
        },
        [this](const absl::Status& copied, const Interrupted& at) {
          const bool clear = copied.ok() || absl::IsFailedPrecondition(copied);
          return clear ? Check(copied, at) : copied;
        });
  }

  Relayed relayed_;
};

TEST_P(CopyInterruptTest, CancelledAnywhereItHasCopiedABeginning) {
  const absl::StatusOr<int> places = CancelEverywhere(
      kOptions, [this] { return Start(); },
      [this](const absl::Status& copied, const Interrupted& at) {
        const bool clear = copied.ok() || absl::IsCancelled(copied);
        return clear ? Check(copied, at) : copied;
      });

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 10);
}

TEST_P(CopyInterruptTest, SaysThatItsSourceWasClosedUnderIt) {
  const absl::StatusOr<int> places = Close(&Relayed::from);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 10);
}

TEST_P(CopyInterruptTest, SaysThatItsSinkWasClosedUnderIt) {
  const absl::StatusOr<int> places = Close(&Relayed::to);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 10);
}

INSTANTIATE_TEST_SUITE_P(All, CopyInterruptTest,
                         ::testing::Values(Way{"Whole", Whole},
                                           Way{"Spliced", Splice},
                                           Way{"ThroughBuffer", ThroughBuffer}),
                         [](const auto& way) { return way.param.name; });

}  // namespace
}  // namespace weft::net
