// The operations of runtime and sync, each a small program that ends well when
// nobody disturbs it: for tests that disturb every one of them in the same way.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SYNC_OPERATIONS_H_
#define WEFT_TESTS_SYNC_OPERATIONS_H_

#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/runtime/task.h"

namespace weft::tests {

struct Operation {
  const char* name;
  Task<absl::Status> (*make)();
};

inline void PrintTo(const Operation& operation, std::ostream* out) {
  *out << operation.name;
}

std::vector<Operation> RuntimeOperations();
std::vector<Operation> SyncOperations();

// Both, as parameters of a test; and what a test with one is called.
inline auto EveryOperation() {
  std::vector<Operation> all = RuntimeOperations();
  for (const Operation& each : SyncOperations()) all.push_back(each);
  return ::testing::ValuesIn(all);
}
inline std::string OperationName(
    const ::testing::TestParamInfo<Operation>& info) {
  return info.param.name;
}

}  // namespace weft::tests

#endif  // WEFT_TESTS_SYNC_OPERATIONS_H_
