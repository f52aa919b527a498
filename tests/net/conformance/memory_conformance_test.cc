// MemoryStream keeps what streams keep, so that a protocol that is tested on it
// meets nothing new on a socket.
//
// SPDX-License-Identifier: MIT

#include "gtest/gtest.h"
#include "weft/tests/net/conformance/cancelling_conformance.h"
#include "weft/tests/net/conformance/ending_conformance.h"
#include "weft/tests/net/conformance/interrupting_conformance.h"
#include "weft/tests/net/conformance/reading_conformance.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/conformance/trying_conformance.h"
#include "weft/tests/net/conformance/writing_conformance.h"

namespace weft::net {
namespace {

using MemoryKinds = ::testing::Types<MemoryKind>;

INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamReadTest, MemoryKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamWriteTest, MemoryKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamEndTest, MemoryKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamCancelTest, MemoryKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamTryTest, MemoryKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamInterruptTest, MemoryKinds, KindName);

}  // namespace
}  // namespace weft::net
