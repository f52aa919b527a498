// EachNetworkTest: tests that run twice, over the kernel's loopback interface
// and over a simulated one. What passes there cannot tell one from the other.
//
//     class TcpStreamTest : public EachNetworkTest {};
//     TEST_P(TcpStreamTest, ...) { Simulate([]() -> Task<absl::Status> ...); }
//     INSTANTIATE_TEST_SUITE_P(Each, TcpStreamTest, Networks(), NetworkName);
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_NET_EACH_NETWORK_H_
#define WEFT_TESTS_NET_EACH_NETWORK_H_

#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "weft/net/testing/simulated_network.h"
#include "weft/runtime/task.h"
#include "weft/runtime/testing/simulated_system.h"
#include "weft/runtime/testing/simulator.h"

namespace weft::net {

enum class NetworkKind { kKernel, kSimulated };

class EachNetworkTest : public ::testing::TestWithParam<NetworkKind> {
 protected:
  // The system of a simulation on this network.
  weft::testing::SimulatedSystem& system() {
    if (GetParam() == NetworkKind::kKernel) return kernel_;
    return simulated_;
  }

  // Runs a test's body in a simulation of its own.
  absl::Status Simulate(Task<absl::Status> (*body)()) {
    weft::testing::Simulator sim({.system = &system()});
    return sim.Run(body());
  }

 private:
  weft::testing::SimulatedSystem kernel_;
  testing::SimulatedNetwork simulated_;
};

inline auto Networks() {
  return ::testing::Values(NetworkKind::kKernel, NetworkKind::kSimulated);
}

inline std::string NetworkName(
    const ::testing::TestParamInfo<NetworkKind>& info) {
  return info.param == NetworkKind::kKernel ? "Kernel" : "Simulated";
}

}  // namespace weft::net

#endif  // WEFT_TESTS_NET_EACH_NETWORK_H_
