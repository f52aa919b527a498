"""Does the lint see the code that g++ 12 gets wrong, and only that?

SPDX-License-Identifier: MIT
"""

import unittest

import coroutine_lint
from tree import Source


def findings(body):
    text = "Task<int> Function(int x) {\n" + body + "\n}\n"
    return list(coroutine_lint.findings_in(Source("net/a.cc", text)))


WRONG = {
    "co_await in an if": "if (co_await F()) co_return 1;",
    "a negated co_await in an if": "if (!(co_await F())) co_return 1;",
    "two co_awaits in an if": "if (co_await a && co_await b) co_return 1;",
    "co_await in a switch": "switch (co_await F()) { default: break; }",
    "co_await beside &&": "bool both = ready && co_await F();",
    "co_await beside ||": "bool one = co_await F() || ready;",
    "co_await under ?:": "C r = ready ? co_await F() : C(3);",
    "&& in the condition of a loop": "while (more && co_await F()) Go();",
    "co_await in braces": "Agg both{co_await F(), 1};",
    "co_await in a list": "std::vector<C> all = {co_await F(), C(1)};",
    "an aggregate temporary": "int n = co_await F(Agg{1, 2});",
    "designated initialisers": "int n = co_await F({.size = 3});",
    "an empty aggregate": "int n = co_await F(Agg{});",
    "a list as an argument": "co_await F({C(1), C(2)});",
    "a capturing lambda temporary": "co_await Call([s] { return s; });",
    "one that captures by reference": "co_await Call([&s] { return s; });",
    "a ternary in a range": "for (C c : ready ? co_await F() : G()) Use(c);",
    "two co_awaits in a statement": "int n = co_await F() + co_await G();",
    "one co_await in another": "int n = co_await F(co_await G());",
    "a capturing coroutine": "auto f = [x]() -> Task<> { co_await F(); };",
    "a capturing coroutine with a block in it":
        "auto f = [&](int n) -> Task<int> { if (n) { co_return 1; } };",
    "a value captured for an arm":
        "co_await Select(OnReceive(a, [x](int value) { F(x); }));",
    "a value captured for WithScope":
        "co_return co_await WithScope([x](Scope& s) -> Task<> { co_await F(); "
        "});",
    "a capturing coroutine given to another":
        "Spawn([&]() -> Task<> { co_await F(); });",
    "an if behind a loop": "for (int i : all) if (co_await F(i)) co_return 1;",
}

RIGHT = {
    "a named variable": "int n = co_await F(a, b);",
    "no variable": "co_await F();",
    "a result handed on": "co_return co_await F();",
    "co_await in a loop's condition": "while (int n = co_await F()) Use(n);",
    "co_await after an if": "if (a && b) co_await F();",
    "co_await in a branch": "if (a || b) {\n co_await F();\n} else {\n"
                            " int n = co_await G();\n}",
    "OrReturn": "auto n = co_await OrReturn(stream.Read(buffer));",
    "a class temporary": "co_await F(C(1), std::span(all).first(n));",
    "structured bindings": "auto [a, b] = co_await F();",
    "a forwarding reference": "auto&& n = co_await F();",
    "a named lambda": "auto f = [x] { return x; };\nco_await Call(f);",
    "a lambda that captures nothing": "co_await Call([] { return 1; });",
    "a coroutine that captures nothing":
        "Spawn([](int n) -> Task<> { co_await F(n); }, 3);",
    "[&] for an arm":
        "co_await Select(OnReceive(a, [&](int value) { F(); }), OnDefault());",
    "[&] for WithScope":
        "co_return co_await weft::WithScope([&](Scope& s) -> Task<> {\n"
        "  for (;;) {\n    int n = co_await F();\n    if (n && x) break;\n"
        "  }\n});",
    "[&] for Using":
        "co_await OrReturn(Using(std::move(file), [&](File& f) -> Task<> {\n"
        "  co_await f.Read();\n}));",
    "&& in a lambda beside it":
        "co_await Call([](int a, int b) { return a && b; });",
    "nothing in braces": "int n = co_await F({});",
    "an operator": "Awaiter operator co_await() && { return {}; }",
    "a block beside it": "{\n Agg a{1};\n}\nco_await F();",
    "an object in braces before": "Agg a{1, 2};\nco_await F(a);",
    "a subscript": "int n = all[1];\nco_await F(all[n]);",
    "a comment": "// if (co_await F())\nco_await F();",
    "one that a test means":
        "// NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines)"
        "\nauto f = [x]() -> Task<> { co_await F(); };",
}


class CoroutineLintTest(unittest.TestCase):
    def test_what_is_compiled_wrongly_is_found(self):
        for name, body in WRONG.items():
            with self.subTest(name):
                self.assertNotEqual([], findings(body), body)

    def test_what_is_compiled_rightly_is_left_alone(self):
        for name, body in RIGHT.items():
            with self.subTest(name):
                self.assertEqual([], findings(body), body)

    def test_outside_the_library_a_closure_that_is_kept_may_capture(self):
        kept = "sim.Spawn([&]() -> Task<> { co_await F(); });"
        called = "sim.Spawn([&]() -> Task<> { co_await F(); }());"
        for path, body, times in [("tests/a.cc", kept, 0),
                                  ("tests/a.cc", called, 1),
                                  ("net/a.cc", kept, 1)]:
            text = "void Function() {\n" + body + "\n}\n"
            found = list(coroutine_lint.findings_in(Source(path, text)))
            self.assertEqual(times, len(found), path + body)

    def test_a_finding_names_its_line(self):
        found = findings("int a = 1;\nif (co_await F()) co_return a;")
        self.assertTrue(found[0].startswith("net/a.cc:3: "), found)


if __name__ == "__main__":
    unittest.main()
