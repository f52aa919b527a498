// TlsStream, over TCP and over memory, keeps what streams keep.
//
// SPDX-License-Identifier: MIT

#include "gtest/gtest.h"
#include "weft/tests/net/conformance/cancelling_conformance.h"
#include "weft/tests/net/conformance/ending_conformance.h"
#include "weft/tests/net/conformance/interrupting_conformance.h"
#include "weft/tests/net/conformance/reading_conformance.h"
#include "weft/tests/net/conformance/stream_kinds.h"
#include "weft/tests/net/conformance/writing_conformance.h"
#include "weft/tests/net/tls/tls_kinds.h"

namespace weft::net {
namespace {

using TlsKinds = ::testing::Types<tls::KernelTcpTlsKind, tls::MemoryTlsKind>;

INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamReadTest, TlsKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamWriteTest, TlsKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamEndTest, TlsKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamCancelTest, TlsKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamInterruptTest, TlsKinds, KindName);

}  // namespace
}  // namespace weft::net
