// LatencyHistogram: what the percentiles of millions of round trips are, in a
// few kilobytes and a few nanoseconds each.
//
// Buckets grow with what they hold. Below 64 ns each has a nanosecond; above,
// each doubling is cut into 32, so that a percentile is at most 3 % too small:
//
//     bits 63..0    0...01 xxxxx .........
//                        |   '-- which of the 32
//                        '-- which doubling
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_BENCH_NET_LATENCY_HISTOGRAM_H_
#define WEFT_BENCH_NET_LATENCY_HISTOGRAM_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace weft::bench {

class LatencyHistogram {
 public:
  void Add(std::uint64_t nanoseconds) noexcept {
    ++buckets_[BucketOf(nanoseconds)];
    ++count_;
  }

  std::int64_t count() const noexcept { return count_; }

  // The least time that so large a share of all has not exceeded, in
  // nanoseconds; 0 when there were none.
  double At(double share) const noexcept {
    auto left = static_cast<std::int64_t>(share * static_cast<double>(count_));
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
      left -= buckets_[bucket];
      if (left < 0) return static_cast<double>(LeastOf(bucket));
    }
    return 0;
  }

 private:
  static constexpr int kBits = 5;
  static constexpr std::size_t kParts = std::size_t{1} << kBits;
  static constexpr std::size_t kBuckets = kParts * (64 - kBits + 1);

  static constexpr std::size_t BucketOf(std::uint64_t value) noexcept {
    const int width = std::bit_width(value);
    const int shift = width > kBits + 1 ? width - (kBits + 1) : 0;
    return static_cast<std::size_t>(shift) * kParts +
           static_cast<std::size_t>(value >> shift);
  }
  static constexpr std::uint64_t LeastOf(std::size_t bucket) noexcept {
    if (bucket < 2 * kParts) return bucket;
    const std::size_t shift = bucket / kParts - 1;
    return std::uint64_t{bucket % kParts + kParts} << shift;
  }

  std::array<std::int64_t, kBuckets> buckets_ = {};
  std::int64_t count_ = 0;
};

}  // namespace weft::bench

#endif  // WEFT_BENCH_NET_LATENCY_HISTOGRAM_H_
