// TcpStream, over the loopback interface and over a simulated network, keeps
// what streams and stream sockets keep.
//
// SPDX-License-Identifier: MIT

#include "gtest/gtest.h"
#include "weft/tests/net/conformance/cancelling_conformance.h"
#include "weft/tests/net/conformance/ending_conformance.h"
#include "weft/tests/net/conformance/halves_conformance.h"
#include "weft/tests/net/conformance/interrupting_conformance.h"
#include "weft/tests/net/conformance/reading_conformance.h"
#include "weft/tests/net/conformance/socket_conformance.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/conformance/timeout_conformance.h"
#include "weft/tests/net/conformance/trying_conformance.h"
#include "weft/tests/net/conformance/writing_conformance.h"

namespace weft::net {
namespace {

using TcpKinds = ::testing::Types<KernelTcpKind, SimulatedTcpKind>;

INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamReadTest, TcpKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamWriteTest, TcpKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamEndTest, TcpKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamCancelTest, TcpKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamTryTest, TcpKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamInterruptTest, TcpKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, SocketTest, TcpKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, SocketTimeoutTest, TcpKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, SocketHalvesTest, TcpKinds, KindName);

}  // namespace
}  // namespace weft::net
