"""Does each convention's guard see a violation, and only that?

SPDX-License-Identifier: MIT
"""

import unittest

import conventions as rules
from tree import Tree


def found(rule, path, text):
    return list(rule(Tree({path: text})))


class ConventionsTest(unittest.TestCase):
    def breaks(self, rule, path, text, times=1):
        self.assertEqual(times, len(found(rule, path, text)), text)

    def keeps(self, rule, path, text):
        self.assertEqual([], found(rule, path, text), text)

    def test_fences(self):
        self.breaks(rules.no_fences, "sync/a.cc",
                    "std::atomic_thread_fence(order);\n")
        self.keeps(rules.no_fences, "sync/a.cc", "// atomic_thread_fence\n")

    def test_atomics(self):
        rule = rules.atomics_go_through_the_seam
        self.breaks(rule, "sync/a.h", "std::atomic<int> a;\n")
        self.breaks(rule, "net/a.cc", "#include <atomic>\n")
        self.keeps(rule, "sync/a.h", "Atomic<int> a;\n")
        self.keeps(rule, "reactor/atomic.h", "#include <atomic>\n")

    def test_the_mutex_of_abseil(self):
        self.breaks(rules.no_abseil_mutex, "tests/a.cc", "absl::Mutex m;\n")
        self.breaks(rules.no_abseil_mutex, "net/a.h",
                    '#include "absl/synchronization/mutex.h"\n')
        self.keeps(rules.no_abseil_mutex, "net/a.h", "std::mutex m;\n")

    def test_todos(self):
        self.breaks(rules.todos_have_a_kind, "net/a.h", "// TODO(now): it\n")
        self.breaks(rules.todos_have_a_kind, "net/a.h", "// TODO: it\n")
        self.keeps(rules.todos_have_a_kind, "net/a.h", "// TODO(perf): it\n")

    def test_include_guards(self):
        good = ("#ifndef WEFT_NET_A_H_\n#define WEFT_NET_A_H_\n"
                "#endif  // WEFT_NET_A_H_\n")
        self.keeps(rules.no_macros_but_include_guards, "net/a.h", good)
        self.breaks(rules.no_macros_but_include_guards, "net/b.h", good, 2)

    def test_macros(self):
        self.breaks(rules.no_macros_but_include_guards, "net/a.cc",
                    "# define PLUS(a, b) ((a) + (b))\n")
        self.keeps(rules.no_macros_but_include_guards,
                   rules.SHIM + "sys/event.cc", "#define EV_ADD 1\n")

    def test_conditions(self):
        dated = "// g++ 12; remove when 13 is the oldest.\n#if A\n#endif\n"
        self.keeps(rules.few_conditions, "net/a.cc", dated)
        self.keeps(rules.few_conditions, "net/a.cc", dated + dated)
        self.breaks(rules.few_conditions, "net/a.cc",
                    dated + dated.replace("#if A", "#ifdef B"))
        self.breaks(rules.few_conditions, "net/a.cc", "#if A\n#endif\n")
        self.keeps(rules.few_conditions, "reactor/epoll_poller.cc",
                   "#if A\n#endif\n#if B\n#endif\n")

    def test_friends(self):
        self.breaks(rules.few_friends, "net/a.h", "  friend class Other;\n")
        self.breaks(rules.few_friends, "net/a.h", "  friend void F(int);\n")
        self.keeps(rules.few_friends, "net/a.h",
                   "class Other {\n  friend class Other;\n"
                   "  friend bool operator==(A, B) = default;\n")

    def test_columns(self):
        self.keeps(rules.eighty_columns, "net/a.h", "x" * 80 + "\n")
        self.breaks(rules.eighty_columns, "net/a.h", "x" * 81 + "\n")
        self.breaks(rules.eighty_columns, "bench/peers/a/run", "x" * 81)
        self.keeps(rules.eighty_columns, "bench/a.go", "\t" + "x" * 76)
        self.breaks(rules.eighty_columns, "bench/a.go", "\t" + "x" * 77)

    def test_names_of_files(self):
        self.breaks(rules.names_that_say_something, "net/socket_util.h", "")
        self.breaks(rules.names_that_say_something, "net/detail/a.h", "")
        self.keeps(rules.names_that_say_something, "net/internal/a.h", "")

    def test_system_calls(self):
        rule = rules.one_seam_to_the_system
        self.breaks(rule, "net/a.cc", "  ::close(fd);\n")
        self.breaks(rule, "net/a.cc", "  return read(fd, b, n);\n")
        self.breaks(rule, "net/a.cc", "  if (pipe2(ends, 0) == -1) {}\n")
        self.keeps(rule, "net/a.cc", "  system.close(fd); std::rename(a);\n")
        self.keeps(rule, "net/a.h", "  int close(int fd) override;\n")
        self.keeps(rule, "reactor/linux_system.cc", "  ::close(fd);\n")
        self.keeps(rule, "tests/a.cc", "  ::close(fd);\n")

    def test_time_and_chance(self):
        rule = rules.one_seam_to_time_and_chance
        self.breaks(rule, "net/a.cc", "std::chrono::steady_clock::now();\n")
        self.breaks(rule, "sync/a.cc", "std::random_device seed;\n")
        self.keeps(rule, "net/a.cc", "instant = Now();\n")

    def test_thread_locals(self):
        self.breaks(rules.one_thread_local, "net/a.cc", "thread_local int a;\n")
        self.keeps(rules.one_thread_local, "runtime/current.cc",
                   "thread_local int a;\n")

    def test_names_of_tests(self):
        rule = rules.tests_are_sentences
        self.keeps(rule, "tests/net/a_test.cc",
                   "TEST(AddressTest, ParsesWhatItPrints) {\n")
        self.breaks(rule, "tests/net/a_test.cc", "TEST(AddressTest, Parse) {\n")
        self.breaks(rule, "tests/net/a_test.cc",
                    "TEST_F(AddressTest, Parse_And_Print) {\n")
        self.breaks(rule, "tests/net/a_test.cc",
                    "TEST(Address, ParsesWhatItPrints) {\n")

    def test_sleeping_and_printing(self):
        rule = rules.tests_do_not_sleep_or_print
        self.breaks(rule, "tests/net/a_test.cc", "std::cout << 1;\n")
        self.breaks(rule, "tests/net/a_test.cc",
                    "std::this_thread::sleep_for(1ms);\n")
        self.keeps(rule, "tests/stress/a_test.cc",
                   "std::this_thread::sleep_for(1ms);\n")


if __name__ == "__main__":
    unittest.main()
