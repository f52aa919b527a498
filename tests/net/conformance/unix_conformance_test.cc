// UnixStream keeps what streams and stream sockets keep.
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

using UnixKinds = ::testing::Types<KernelUnixKind>;

INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamReadTest, UnixKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamWriteTest, UnixKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamEndTest, UnixKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamCancelTest, UnixKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamTryTest, UnixKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamInterruptTest, UnixKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, SocketTest, UnixKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, SocketTimeoutTest, UnixKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, SocketHalvesTest, UnixKinds, KindName);

}  // namespace
}  // namespace weft::net
