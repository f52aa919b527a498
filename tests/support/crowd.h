// A crowd of tasks in one kind of wait when their runtime ends: what each of
// them is told, and how long that takes.
//
//     gather    each counts itself in, and waits
//     end       each is told CANCELLED; what no cancellation reaches, such as
//               a call that blocks a thread, the scene lets go of
//
// Who comes back before the end has not waited at all, and is a failure: a
// buffer had room, or an operation met an error.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_CROWD_H_
#define WEFT_TESTS_SUPPORT_CROWD_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <tuple>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "weft/runtime/runtime.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/tests/support/descriptor_limit.h"
#include "weft/tests/support/open_descriptors.h"
#include "weft/tests/support/soak.h"

namespace weft::tests {

// What is waited for. Outlives the runtime.
class Scene {
 public:
  Scene() = default;
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  virtual ~Scene() = default;

  // For a runtime that is to be more than usual.
  virtual void Adjust(RuntimeOptions&) {}
  // In the runtime, before anybody waits.
  virtual Task<absl::Status> Prepare() { co_return absl::OkStatus(); }
  // In the runtime, when it ends. Whose wait this ends may be told OK.
  virtual void LetGo() {}

  // For each of the crowd: when it is about to wait, and what it was told.
  void CountIn() { ++waiting_; }
  void CountOut(const absl::Status& told) {
    if (absl::IsCancelled(told) || (told.ok() && let_go_)) {
      ++told_rightly_;
    } else if (++told_wrongly_ == 1) {
      ADD_FAILURE() << "a wait ended with " << told;
    }
  }
  // Whether all wait, or there is no use in waiting for them.
  bool IsGathered(int size) const {
    return waiting_ >= size || told_wrongly_ > 0;
  }
  int told_rightly() const { return told_rightly_; }

  Task<> LetGoAtTheEnd() {
    const absl::Status ended = co_await SleepFor(absl::InfiniteDuration());
    EXPECT_TRUE(absl::IsCancelled(ended)) << ended;
    let_go_ = true;
    LetGo();
  }

 private:
  std::atomic<int> waiting_ = 0;
  std::atomic<int> told_rightly_ = 0;
  std::atomic<int> told_wrongly_ = 0;
  std::atomic<bool> let_go_ = false;
};

template <typename SceneType>
struct WaitKind {
  const char* name;
  Task<absl::Status> (*wait)(SceneType& scene, int number);
  int descriptors = 0;  // That each of them has.
  int most = 10'000;
};

template <typename SceneType>
Task<> JoinCrowd(SceneType& scene, WaitKind<SceneType> kind, int number) {
  const absl::Status told = co_await kind.wait(scene, number);
  scene.CountOut(told);
}

// Gives how long the end took.
template <typename SceneType>
absl::Duration EndUnder(const WaitKind<SceneType>& kind, Flavor flavor,
                        int tasks) {
  SceneType scene;
  RuntimeOptions options;
  options.flavor = flavor;
  options.workers = 2;
  scene.Adjust(options);
  std::optional<Runtime> runtime(std::in_place, options);
  const absl::Status ready = runtime->BlockOn(scene.Prepare());
  EXPECT_EQ(ready, absl::OkStatus());
  if (!ready.ok()) return absl::ZeroDuration();
  runtime->Spawn(scene.LetGoAtTheEnd()).Detach();
  for (int i = 0; i < tasks; ++i) {
    runtime->Spawn(JoinCrowd(scene, kind, i)).Detach();
  }
  while (!scene.IsGathered(tasks)) std::this_thread::yield();

  const auto begin = std::chrono::steady_clock::now();
  runtime.reset();
  const auto took = std::chrono::steady_clock::now() - begin;

  EXPECT_EQ(scene.told_rightly(), tasks);
  return absl::FromChrono(took);
}

// A test of the kinds, each on both flavors. How long the longest end took is
// told (`longest_end_microseconds`) and not judged: the machine may be busy.
template <typename SceneType>
class CrowdTest
    : public ::testing::TestWithParam<std::tuple<WaitKind<SceneType>, Flavor>> {
 public:
  static std::string NameOf(
      const ::testing::TestParamInfo<typename CrowdTest::ParamType>& info) {
    const auto& [kind, flavor] = info.param;
    return absl::StrCat(kind.name, flavor == Flavor::kPerCore ? "PerCore" : "");
  }

 protected:
  void EndAgainAndAgain() {
    const auto& [kind, flavor] = this->GetParam();
    const testing::DescriptorLimit limit(kSpare + 2 * kCrowd);
    const int tasks = SizeOf(kind, limit);
    const int before = testing::OpenDescriptors();
    absl::Duration longest;

    for (std::int64_t i = 0; i < Times(1); ++i) {
      longest = std::max(longest, EndUnder(kind, flavor, tasks));
    }

    EXPECT_EQ(testing::OpenDescriptors(), before);
    this->RecordProperty("tasks", tasks);
    this->RecordProperty("longest_end_microseconds",
                         static_cast<int>(absl::ToInt64Microseconds(longest)));
  }

 private:
  static constexpr int kCrowd = 10'000;
  static constexpr int kSpare = 600;  // Descriptors; a scene has up to 420.

  // Fewer under sanitizers, and where the system allows no more descriptors.
  static int SizeOf(const WaitKind<SceneType>& kind,
                    const testing::DescriptorLimit& limit) {
    const int room = (limit.get() - kSpare) / std::max(1, kind.descriptors);
    const auto wanted =
        static_cast<int>(std::min<std::int64_t>(kind.most, Times(kCrowd)));
    return std::min(wanted, room);
  }
};

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_CROWD_H_
