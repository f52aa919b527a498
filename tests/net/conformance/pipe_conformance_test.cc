// Pipes, one each way, keep what streams keep.
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

using PipeKinds = ::testing::Types<KernelPipeKind>;

INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamReadTest, PipeKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamWriteTest, PipeKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamEndTest, PipeKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamCancelTest, PipeKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamTryTest, PipeKinds, KindName);
INSTANTIATE_TYPED_TEST_SUITE_P(All, StreamInterruptTest, PipeKinds, KindName);

}  // namespace
}  // namespace weft::net
