// ValueNodes<T>: values under a lock that are copied without it.
//
//     lock     Hold(node)                  the node stays, whoever replaces it
//     no lock  T copy = node.value();      foreign code: may allocate, or throw
//     lock     the Held goes               the last one brings the node back
//
// A place of a Broadcast, or the one of a Watch, owns a node. Who replaces the
// value of one that nobody holds reuses it; one that is held is left to its
// holders, and a spare node takes its place. Rejected: a std::shared_ptr for
// each value, which allocates for each; and to copy under the lock, where
// others would spin while a copy constructor allocates.
//
// Invariants
//   1. A node is owned by a place, by the spares, or, once it has been replaced
//      while it was held, by its holders.
//   2. A value that somebody holds is neither changed nor moved.
//   3. Under the lock a value is moved, and what it was moved from destroyed;
//      a value itself dies without the lock.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_SYNC_VALUE_NODES_H_
#define WEFT_SYNC_VALUE_NODES_H_

#include <concepts>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "weft/runtime/leaf.h"
#include "weft/runtime/recycled.h"
#include "weft/sync/channel.h"

namespace weft::sync {

// What many can have: a value that can be copied, and moves without throwing.
// A std::shared_ptr<const T> makes one of what cannot.
template <typename T>
concept Copied = Message<T> && std::copy_constructible<T>;

template <Copied T>
class ValueNodes {
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                "the frame pool aligns as operator new does: send it by "
                "std::shared_ptr");

 public:
  class Node;
  class Held;
  using NodePointer = std::unique_ptr<Node>;

  // `lock` guards the places of its primitive.
  explicit ValueNodes(SpinLock& lock) noexcept : lock_(lock) {}
  ValueNodes(const ValueNodes&) = delete;
  ValueNodes& operator=(const ValueNodes&) = delete;
  // Not by the members: a long chain must not recurse.
  ~ValueNodes() {
    while (spares_ != nullptr) static_cast<void>(TakeSpareLocked());
  }

  // With the lock held: moves `value` into `place`; what was there is moved
  // into `old`, to die without the lock. Where it would need another node and
  // there is none, it takes `spare`; false, and nothing is changed, where that
  // is null.
  bool ReplaceLocked(NodePointer& place, T& value, std::optional<T>& old,
                     NodePointer& spare) noexcept;

  // With the lock held.
  Held HoldLocked(Node& node) noexcept {
    ++node.holders_;
    return Held(*this, node);
  }

 private:
  void Release(Node& node) noexcept;
  NodePointer TakeSpareLocked() noexcept {
    NodePointer spare = std::move(spares_);
    if (spare != nullptr) spares_ = std::move(spare->next_);
    return spare;
  }

  SpinLock& lock_;
  NodePointer spares_;  // Guarded by lock_, as what is in a node but its value.
};

template <Copied T>
class ValueNodes<T>::Node : public Recycled {
 public:
  Node() = default;
  explicit Node(T value) noexcept : value_(std::move(value)) {}

 private:
  friend class ValueNodes;

  // Moves the value out, to die elsewhere.
  void Empty(std::optional<T>& old) noexcept {
    if (!value_.has_value()) return;
    old.emplace(*std::move(value_));
    value_.reset();
  }

  std::optional<T> value_;
  std::size_t holders_ = 0;
  bool replaced_ = false;  // Owned by its holders.
  NodePointer next_;       // Of a spare.
};

// A node that stays as it is until this goes, by whoever may take the lock.
template <Copied T>
class ValueNodes<T>::Held {
 public:
  Held() = default;
  Held(ValueNodes& nodes, Node& node) noexcept : nodes_(&nodes), node_(&node) {}
  Held(Held&& other) noexcept
      : nodes_(other.nodes_), node_(std::exchange(other.node_, nullptr)) {}
  // Requires: it is empty. Letting go takes the lock, which may be held.
  Held& operator=(Held&& other) noexcept {
    nodes_ = other.nodes_;
    node_ = std::exchange(other.node_, nullptr);
    return *this;
  }
  ~Held() {
    if (node_ != nullptr) nodes_->Release(*node_);
  }

  explicit operator bool() const noexcept { return node_ != nullptr; }
  const T& value() const noexcept { return *node_->value_; }

 private:
  ValueNodes* nodes_ = nullptr;
  Node* node_ = nullptr;
};

template <Copied T>
bool ValueNodes<T>::ReplaceLocked(NodePointer& place, T& value,
                                  std::optional<T>& old,
                                  NodePointer& spare) noexcept {
  if (place->holders_ == 0) {
    place->Empty(old);
  } else {
    NodePointer other =
        spares_ == nullptr ? std::move(spare) : TakeSpareLocked();
    if (other == nullptr) return false;
    place->replaced_ = true;
    static_cast<void>(place.release());  // The last holder has it now.
    place = std::move(other);
  }
  place->value_.emplace(std::move(value));
  return true;
}

template <Copied T>
void ValueNodes<T>::Release(Node& node) noexcept {
  std::optional<T> old;  // Dies after the lock is released.
  std::lock_guard guard(lock_);
  if (--node.holders_ > 0 || !node.replaced_) return;
  node.Empty(old);
  node.replaced_ = false;
  node.next_ = std::move(spares_);
  spares_ = NodePointer(&node);
}

}  // namespace weft::sync

#endif  // WEFT_SYNC_VALUE_NODES_H_
