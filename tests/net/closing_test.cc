// Tests of closing what is no stream, from another task, at every place where a
// program that uses it waits: listeners and datagram sockets, on the loopback
// interface and on a simulated network. Streams have theirs in
// conformance/interrupting_conformance.h.
//
// SPDX-License-Identifier: MIT

#include <array>
#include <cstddef>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/net/tcp_listener.h"
#include "weft/net/tcp_stream.h"
#include "weft/net/udp_socket.h"
#include "weft/net/unix_listener.h"
#include "weft/net/unix_stream.h"
#include "weft/runtime/deadline.h"
#include "weft/runtime/or_return.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/cancel_everywhere.h"
#include "weft/runtime/when_all.h"
#include "weft/runtime/yield.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/tcp_pair.h"
#include "weft/tests/net/udp_pair.h"
#include "weft/tests/support/temporary_directory.h"

namespace weft::net {
namespace {

using ::weft::testing::CloseEverywhere;
using ::weft::testing::Interrupted;
using ::weft::testing::TemporaryDirectory;

// What a program works on that is closed, and how its two sides ended.
template <typename T>
struct Scene {
  T* closable = nullptr;  // While there is one.
  absl::Status serving = absl::OkStatus();
  absl::Status asking = absl::OkStatus();
  int served = 0;
  int open_before = 0;
};

constexpr int kGuests = 5;

// Who is closed says so; who is refused, or hears nothing more, as well.
template <typename T>
absl::Status Check(const Scene<T>& scene, const Interrupted& at) {
  if (at.undisturbed && scene.served != kGuests) {
    return absl::InternalError("not all were served");
  }
  if (!scene.serving.ok() && !absl::IsFailedPrecondition(scene.serving)) {
    return absl::InternalError(scene.serving.ToString());
  }
  // NOT_FOUND is for a path, which goes with its listener.
  const bool clear = scene.asking.ok() || absl::IsUnavailable(scene.asking) ||
                     absl::IsDeadlineExceeded(scene.asking) ||
                     absl::IsNotFound(scene.asking);
  return clear ? absl::OkStatus()
               : absl::InternalError(scene.asking.ToString());
}

// On each network.
template <typename Kind>
class ClosingTest : public ::testing::Test {
 protected:
  // Plays the scene again and again, and closes at every place.
  template <typename T, typename Play>
  absl::StatusOr<int> CloseAnywhere(Play play) {
    Scene<T> scene;
    auto start = [&] {
      scene = {.open_before = kind_.CountOpen()};
      return play(scene);
    };
    auto close = [&scene] {
      if (scene.closable != nullptr) scene.closable->Close();
    };
    auto check = [&](const absl::Status& result, const Interrupted& at) {
      absl::Status held = result;
      held.Update(Check(scene, at));
      if (kind_.CountOpen() != scene.open_before) {
        held.Update(absl::InternalError("a descriptor is left open"));
      }
      return held;
    };
    return CloseEverywhere({.seeds = 5, .system = &kind_.system()}, start,
                           close, check);
  }

  Kind kind_;
};

using Networks = ::testing::Types<KernelTcpKind, SimulatedTcpKind>;
TYPED_TEST_SUITE(ClosingTest, Networks, KindName);

// --- Listeners --------------------------------------------------------------

template <typename L>
Task<absl::Status> AcceptAll(Scene<L>& scene) {
  while (scene.served < kGuests) {
    auto guest = co_await scene.closable->Accept();
    if (!guest.ok()) co_return guest.status();
    ++scene.served;
  }
  co_return absl::OkStatus();
}

template <typename Stream, typename AddressOf>
Task<absl::Status> VisitAll(AddressOf address) {
  for (int guest = 0; guest < kGuests; ++guest) {
    co_await Yield();
    Stream stream = co_await OrReturn(Stream::Connect(address));
    // Until the host has gone, or has seen nobody.
    const absl::StatusOr<std::string> end = co_await ReadText(stream);
    if (!end.ok()) co_return end.status();
  }
  co_return absl::OkStatus();
}

template <typename Stream, typename L>
Task<absl::Status> Receive(Scene<L>& scene, L listener) {
  scene.closable = &listener;
  const auto address = listener.local_address();
  auto both = co_await WhenAll(AcceptAll(scene), VisitAll<Stream>(address));
  std::tie(scene.serving, scene.asking) = std::move(both);
  scene.closable = nullptr;
  co_return absl::OkStatus();
}

TYPED_TEST(ClosingTest, AListenerTellsWhoeverAcceptsOrConnects) {
  auto play = [](Scene<TcpListener>& scene) -> Task<absl::Status> {
    TcpListener listener = co_await OrReturn(TcpListener::Bind("127.0.0.1:0"));
    co_return co_await Receive<TcpStream>(scene, std::move(listener));
  };

  const absl::StatusOr<int> places =
      this->template CloseAnywhere<TcpListener>(play);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 10);
}

using UnixClosingTest = ClosingTest<KernelUnixKind>;

TEST_F(UnixClosingTest, AUnixListenerTellsWhoeverAcceptsOrConnects) {
  const TemporaryDirectory folder;
  auto play = [&folder](Scene<UnixListener>& scene) -> Task<absl::Status> {
    UnixListener listener =
        co_await OrReturn(UnixListener::Bind(folder / "socket"));
    co_return co_await Receive<UnixStream>(scene, std::move(listener));
  };

  const absl::StatusOr<int> places = CloseAnywhere<UnixListener>(play);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 10);
}

// --- Datagrams --------------------------------------------------------------

Task<absl::Status> AnswerAll(Scene<UdpSocket>& scene) {
  std::array<std::byte, 64> buffer;
  while (scene.served < kGuests) {
    auto question = co_await scene.closable->ReceiveFrom(buffer);
    if (!question.ok()) co_return question.status();
    const absl::Status sent =
        co_await scene.closable->SendTo(Bytes("answer"), question->from);
    if (!sent.ok()) co_return sent;
    ++scene.served;
  }
  co_return absl::OkStatus();
}

Task<absl::Status> AskAll(Address whom) {
  UdpSocket socket = co_await OrReturn(UdpSocket::Bind(Address::Loopback(0)));
  co_await OrReturn(socket.Connect(whom));
  for (int guest = 0; guest < kGuests; ++guest) {
    co_await OrReturn(socket.Send(Bytes("question")));
    const std::string answer =
        co_await OrReturn(WithTimeout(absl::Seconds(1), ReceiveText(socket)));
    EXPECT_EQ(answer, "answer");
  }
  co_return absl::OkStatus();
}

TYPED_TEST(ClosingTest, ADatagramSocketTellsWhoeverReceives) {
  auto play = [](Scene<UdpSocket>& scene) -> Task<absl::Status> {
    UdpSocket socket = co_await OrReturn(UdpSocket::Bind(Address::Loopback(0)));
    scene.closable = &socket;
    auto both =
        co_await WhenAll(AnswerAll(scene), AskAll(socket.local_address()));
    std::tie(scene.serving, scene.asking) = std::move(both);
    scene.closable = nullptr;
    co_return absl::OkStatus();
  };

  const absl::StatusOr<int> places =
      this->template CloseAnywhere<UdpSocket>(play);

  ASSERT_EQ(places.status(), absl::OkStatus());
  EXPECT_GT(*places, 10);
}

}  // namespace
}  // namespace weft::net
