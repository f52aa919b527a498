// ElementsOf: `co_yield ElementsOf(inner)` yields everything that another
// generator yields.
//
//     Generator<int> InOrder(const Node* node) {
//       if (node == nullptr) co_return;
//       co_yield ElementsOf(InOrder(node->left));
//       co_yield node->value;
//       co_yield ElementsOf(InOrder(node->right));
//     }
//
// While it lasts, the consumer deals with the inner generator directly: an item
// costs one resumption at any depth, and what the consumer sends or throws
// arrives in the inner one. The expression gives what the inner generator
// returned, or throws what escaped from it. Python's `yield from` (PEP 380).
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_RUNTIME_ELEMENTS_OF_H_
#define WEFT_RUNTIME_ELEMENTS_OF_H_

#include <concepts>
#include <type_traits>
#include <utility>

namespace weft {

// What a generator can hand out. References are pointers here.
template <typename T>
concept Yieldable = std::is_object_v<T> && std::move_constructible<T>;

// Owns the inner generator, or the range, until the delegation is over.
template <typename Inner>
class [[nodiscard("co_yield it")]] ElementsOf {
 public:
  explicit ElementsOf(Inner inner) : inner_(std::move(inner)) {}

  Inner Take() && { return std::move(inner_); }

 private:
  Inner inner_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_ELEMENTS_OF_H_
