// Tests of what is remembered of names, in which order it goes, and when.
//
// SPDX-License-Identifier: MIT

#include "weft/net/answer_cache.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/net/address.h"
#include "weft/reactor/instant.h"

namespace weft::net {
namespace {

using ::weft::reactor::Instant;

constexpr Instant At(int second) {
  return Instant::FromNanoseconds(second * std::int64_t{1'000'000'000});
}

Question Of(const std::string& host, const std::string& service = "") {
  return {.host = host, .service = service};
}

Addresses Only(std::uint16_t port) {
  return std::vector<Address>{Address::Loopback(port)};
}

bool Knows(AnswerCache& cache, const Question& question) {
  return cache.Find(question, At(0)) != nullptr;
}

TEST(AnswerCacheTest, FindsWhatWasPut) {
  AnswerCache cache(10);

  cache.Put(Of("a"), Only(1), At(5));
  cache.Put(Of("b"), absl::NotFoundError("b"), At(5));

  EXPECT_EQ(cache.Find(Of("a"), At(0))->value().front().port(), 1);
  EXPECT_TRUE(absl::IsNotFound(cache.Find(Of("b"), At(0))->status()));
  EXPECT_EQ(cache.Find(Of("c"), At(0)), nullptr);
}

TEST(AnswerCacheTest, ForgetsAnAnswerAtTheMomentWhenItIsNoLongerGood) {
  AnswerCache cache(10);
  cache.Put(Of("a"), Only(1), At(5));

  EXPECT_NE(cache.Find(Of("a"), At(4)), nullptr);
  EXPECT_EQ(cache.Find(Of("a"), At(5)), nullptr);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(AnswerCacheTest, ReplacesAnOlderAnswer) {
  AnswerCache cache(10);

  cache.Put(Of("a"), Only(1), At(5));
  cache.Put(Of("a"), Only(2), At(9));

  EXPECT_EQ(cache.size(), 1u);
  EXPECT_EQ(cache.Find(Of("a"), At(7))->value().front().port(), 2);
}

TEST(AnswerCacheTest, DropsWhatWasNotUsedForLongest) {
  AnswerCache cache(2);
  cache.Put(Of("a"), Only(1), At(5));
  cache.Put(Of("b"), Only(2), At(5));

  EXPECT_TRUE(Knows(cache, Of("a")));
  cache.Put(Of("c"), Only(3), At(5));

  EXPECT_EQ(cache.size(), 2u);
  EXPECT_TRUE(Knows(cache, Of("a")));
  EXPECT_FALSE(Knows(cache, Of("b")));
  EXPECT_TRUE(Knows(cache, Of("c")));
}

TEST(AnswerCacheTest, IsNeverLargerThanItsBound) {
  AnswerCache cache(3);

  for (int i = 0; i < 100; ++i) {
    cache.Put(Of(std::to_string(i)), Only(1), At(5));
    EXPECT_LE(cache.size(), 3u);
  }

  EXPECT_TRUE(Knows(cache, Of("99")));
  EXPECT_FALSE(Knows(cache, Of("96")));
}

TEST(AnswerCacheTest, RemembersNothingWithoutRoom) {
  AnswerCache cache(0);

  cache.Put(Of("a"), Only(1), At(5));

  EXPECT_EQ(cache.size(), 0u);
  EXPECT_FALSE(Knows(cache, Of("a")));
}

TEST(AnswerCacheTest, ForgetsAHostWithAllItsServicesAndNoOther) {
  AnswerCache cache(10);
  for (const char* const host : {"a", "aa", "b"}) {
    cache.Put(Of(host), Only(1), At(5));
    cache.Put(Of(host, "http"), Only(80), At(5));
  }

  cache.Forget("a");

  EXPECT_EQ(cache.size(), 4u);
  EXPECT_FALSE(Knows(cache, Of("a")));
  EXPECT_FALSE(Knows(cache, Of("a", "http")));
  EXPECT_TRUE(Knows(cache, Of("aa")));
  EXPECT_TRUE(Knows(cache, Of("b", "http")));
}

TEST(AnswerCacheTest, ForgetsEverything) {
  AnswerCache cache(10);
  cache.Put(Of("a"), Only(1), At(5));
  cache.Put(Of("b"), Only(2), At(5));

  cache.Clear();
  cache.Put(Of("c"), Only(3), At(5));

  EXPECT_EQ(cache.size(), 1u);
  EXPECT_TRUE(Knows(cache, Of("c")));
}

}  // namespace
}  // namespace weft::net
