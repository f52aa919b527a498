// What every test includes, compiled once where that is g++: it halves the time
// to build them.
// A test still includes what it uses; this only makes it quick.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_PRECOMPILED_TESTS_H_
#define WEFT_TESTS_SUPPORT_PRECOMPILED_TESTS_H_

#include <array>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#endif  // WEFT_TESTS_SUPPORT_PRECOMPILED_TESTS_H_
