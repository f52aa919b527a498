// Locals that are watched: one writes down when it dies, one counts how many of
// its kind are alive.
//
// SPDX-License-Identifier: MIT

#ifndef WEFT_TESTS_SUPPORT_MOURNED_H_
#define WEFT_TESTS_SUPPORT_MOURNED_H_

#include <string>
#include <utility>
#include <vector>

namespace weft::tests {

using Journal = std::vector<std::string>;

// Writes its name into a journal when it dies.
class Mourned {
 public:
  Mourned(Journal& journal, std::string name)
      : journal_(journal), name_(std::move(name)) {}
  Mourned(const Mourned&) = delete;
  Mourned& operator=(const Mourned&) = delete;
  ~Mourned() { journal_.push_back(name_); }

 private:
  Journal& journal_;
  const std::string name_;
};

// How many Counted objects were made and are gone.
struct Census {
  int made = 0;
  int gone = 0;

  int alive() const noexcept { return made - gone; }
};

// An object with a number, whose copies and moves are counted as objects of
// their own. A copy of one that is gone, or a second death, shows in the census
// and, under a sanitizer, at once.
class Counted {
 public:
  explicit Counted(Census& census, int number = 0) noexcept
      : census_(&census), number_(number) {
    ++census_->made;
  }
  Counted(const Counted& other) noexcept
      : Counted(*other.census_, other.number_) {}
  Counted(Counted&& other) noexcept
      : Counted(*other.census_, std::exchange(other.number_, 0)) {}
  Counted& operator=(const Counted&) = delete;
  ~Counted() { ++census_->gone; }

  int number() const noexcept { return number_; }

 private:
  Census* const census_;
  int number_;
};

}  // namespace weft::tests

#endif  // WEFT_TESTS_SUPPORT_MOURNED_H_
