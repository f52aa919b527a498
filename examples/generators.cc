// Generators, told by the programs that introduced them to Python.
//
// No runtime here: a Generator is a plain function's way of giving its results
// one by one. The output is in generators.out, and checked.
//
// SPDX-License-Identifier: MIT

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_format.h"
#include "weft/runtime/generator.h"

namespace {

using weft::ElementsOf, weft::Generator;

// PEP 255, "Simple Generators": a function that keeps its place.

// region: fibonacci
Generator<int> Fibonacci() {
  int a = 0, b = 1;
  for (;;) {
    co_yield b;
    b += std::exchange(a, b);
  }
}
// endregion

// Generators that feed generators: each prime adds one more to the chain that
// the remaining numbers pass through.
Generator<int> CountFrom(int first) {
  for (int i = first;; ++i) co_yield i;
}
Generator<int> WithoutMultiples(int factor, Generator<int> numbers) {
  for (int i : numbers) {
    if (i % factor != 0) co_yield i;
  }
}
Generator<int> Primes() {
  Generator<int> numbers = CountFrom(2);
  for (;;) {
    const int prime = *numbers.Next();
    co_yield prime;
    numbers = WithoutMultiples(prime, std::move(numbers));
  }
}

// PEP 342, "Coroutines via Enhanced Generators": a conversation.

struct StartOver {};

// region: average
// Gives the average of what it has been sent so far.
Generator<double, double> Average() {
  double sum = 0;
  int count = 0;
  for (;;) {
    try {
      const double value = co_yield (count == 0 ? 0 : sum / count);
      sum += value;
      ++count;
    } catch (const StartOver&) {
      sum = count = 0;
    }
  }
}
// endregion

// PEP 380, "Syntax for Delegating to a Subgenerator": `yield from`.

struct Node {
  std::string name;
  std::unique_ptr<Node> left;
  std::unique_ptr<Node> right;
};

std::unique_ptr<Node> Tree(std::string name, std::unique_ptr<Node> left,
                           std::unique_ptr<Node> right) {
  return std::make_unique<Node>(
      Node{std::move(name), std::move(left), std::move(right)});
}

// region: in_order
// However deep the tree: a name costs one resumption, not one a level.
Generator<std::string> InOrder(const Node* node) {
  if (node == nullptr) co_return;
  co_yield ElementsOf(InOrder(node->left.get()));
  co_yield node->name;
  co_yield ElementsOf(InOrder(node->right.get()));
}
// endregion

// region: tallies
using Nothing = std::monostate;

// Adds up what it is sent, until that is nothing.
Generator<Nothing, std::optional<int>, int> Tally() {
  int tally = 0;
  for (;;) {
    const std::optional<int> value = co_yield Nothing();
    if (!value.has_value()) co_return tally;
    tally += *value;
  }
}

// What is sent to this one arrives in the Tally of the moment.
Generator<Nothing, std::optional<int>> GatherTallies(std::vector<int>& into) {
  for (;;) {
    const int tally = co_yield ElementsOf(Tally());
    into.push_back(tally);
  }
}
// endregion

void ShowSequences() {
  absl::PrintF("Fibonacci:");
  for (int number : Fibonacci()) {
    if (number > 100) break;  // Leaving the loop closes the generator.
    absl::PrintF(" %d", number);
  }
  absl::PrintF("\nprimes:");
  Generator<int> primes = Primes();
  for (int i = 0; i < 10; ++i) absl::PrintF(" %d", *primes.Next());
  absl::PrintF("\n");
}

void ShowConversation() {
  Generator<double, double> average = Average();
  average.Next();  // To the first co_yield.
  absl::PrintF("average:");
  for (double value : {10, 20, 60}) {
    absl::PrintF(" %g", *average.Send(value));
  }
  average.Throw(std::make_exception_ptr(StartOver()));
  absl::PrintF(" | %g\n", *average.Send(7));
}

void ShowDelegation() {
  const std::unique_ptr<Node> tree =
      Tree("weft", Tree("heddle", nullptr, Tree("shuttle", nullptr, nullptr)),
           Tree("woof", Tree("warp", nullptr, nullptr), nullptr));
  absl::PrintF("in order:");
  for (const std::string& name : InOrder(tree.get())) {
    absl::PrintF(" %s", name);
  }

  std::vector<int> tallies;
  Generator<Nothing, std::optional<int>> gather = GatherTallies(tallies);
  gather.Next();
  for (int i = 1; i <= 3; ++i) gather.Send(i);
  gather.Send(std::nullopt);
  for (int i = 1; i <= 4; ++i) gather.Send(i);
  gather.Send(std::nullopt);
  absl::PrintF("\ntallies:");
  for (int tally : tallies) absl::PrintF(" %d", tally);
  absl::PrintF("\n");
}

}  // namespace

int main() {
  ShowSequences();
  ShowConversation();
  ShowDelegation();
}
