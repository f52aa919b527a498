// Tests of what the cores of a runtime know of each other.
//
// SPDX-License-Identifier: MIT

#include "weft/runtime/internal/cores.h"

#include <memory>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "weft/runtime/internal/scheduler.h"
#include "weft/runtime/internal/spin_budget.h"
#include "weft/runtime/runtime.h"

namespace weft::internal {
namespace {

TEST(CoresTest, AWorkerThatLooksOutForWorkHasThoseOfOtherCoresBesideIt) {
  RuntimeOptions options;
  options.flavor = Flavor::kPerCore;
  options.workers = 3;
  const absl::StatusOr<std::unique_ptr<Cores>> cores = Cores::Create(options);
  ASSERT_TRUE(cores.ok()) << cores.status();

  const SpinBudget::Company company = (*cores)->core(0).Company();

  EXPECT_EQ((*cores)->core(0).worker_count(), 1);
  EXPECT_EQ(company.awake_workers, 3);
  EXPECT_EQ(company.processors, DefaultWorkers());
}

}  // namespace
}  // namespace weft::internal
