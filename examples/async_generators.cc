// Asynchronous generators: a sequence that waits for its elements, and cleans
// up by waiting, too, when its reader has had enough.
//
// After PEP 525. The output is in async_generators.out, and checked.
//
// SPDX-License-Identifier: MIT

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "weft/runtime/async_generator.h"
#include "weft/runtime/run.h"
#include "weft/runtime/shield.h"
#include "weft/runtime/sleep.h"
#include "weft/runtime/task.h"
#include "weft/runtime/using.h"

namespace {

using weft::AsyncGenerator, weft::ElementsOf, weft::Offer, weft::Task;

// A library of books, far away: every request takes a while.
constexpr absl::Duration kRoundTrip = absl::Milliseconds(2);

Task<std::vector<std::string>> FetchPage(int page) {
  absl::Status slept = co_await weft::SleepFor(kRoundTrip);
  std::vector<std::string> titles;
  if (!slept.ok() || page > 3) co_return titles;
  for (const char* volume : {"a", "b", "c"}) {
    titles.push_back(absl::StrCat("book ", page, volume));
  }
  co_return titles;
}

Task<> Logout() {
  absl::Status slept = co_await weft::SleepFor(kRoundTrip);
  absl::PrintF("logged out%s\n", slept.ok() ? "" : ", in a hurry");
}

// region: titles
// Every title of the library, a page at a time. Logs out at the end, and also
// when the reader closes it earlier.
AsyncGenerator<std::string> Titles() {
  for (int page = 1;; ++page) {
    std::vector<std::string> titles = co_await FetchPage(page);
    if (titles.empty()) break;
    const bool wanted = co_yield Offer(ElementsOf(std::move(titles)));
    if (!wanted) break;
  }
  co_await weft::Shield(Logout());
}
// endregion

AsyncGenerator<std::string> Shelf(std::string name) {
  co_yield absl::StrCat("-- ", name);
  co_yield ElementsOf(Titles());
}

Task<> ReadAll() {
  AsyncGenerator<std::string> shelf = Shelf("all");
  while (std::optional<std::string> title = co_await shelf.Next()) {
    absl::PrintF("%s\n", *title);
  }
}

// region: close
Task<> ReadSome() {
  AsyncGenerator<std::string> shelf = Shelf("some");
  for (int i = 0; i < 3; ++i) {
    std::optional<std::string> title = co_await shelf.Next();
    absl::PrintF("%s\n", title.value_or("the end"));
  }
  co_await shelf.Close();
  absl::PrintF("closed\n");
}
// endregion

// region: using
// Closes on every way out: here, an error.
Task<absl::Status> Find(std::string wanted) {
  auto search =
      [&wanted](AsyncGenerator<std::string>& titles) -> Task<absl::Status> {
    while (std::optional<std::string> title = co_await titles.Next()) {
      if (*title == wanted) co_return absl::OkStatus();
    }
    co_return absl::NotFoundError(wanted);
  };
  co_return co_await weft::Using(Titles(), search);
}
// endregion

Task<> Main() {
  co_await ReadAll();
  co_await ReadSome();
  absl::Status found = co_await Find("book 2b");
  absl::PrintF("book 2b: %s\n", found.ToString());
  found = co_await Find("book 9z");
  absl::PrintF("book 9z: %s\n", found.ToString());
}

}  // namespace

int main() { return weft::RunMain(Main); }
