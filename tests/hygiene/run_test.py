"""Does tests/run.py count what happened? The programs here are small scripts
that print as gtest does.

SPDX-License-Identifier: MIT
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import run

# A stand-in for a gtest program. Each test is a line of shell.
PROGRAM = r"""
import re, subprocess, sys
TESTS = {tests!r}
if "--gtest_list_tests" in sys.argv:
    print("Running main() from somewhere")
    print("SuiteTest.")
    for name in TESTS:
        print("  " + name + "  # GetParam() = 1")
    sys.exit()
flags = open(sys.argv[1].split("=", 1)[1]).read()
wanted = flags.split("=", 1)[1].split(":")
failed = False
for name, script in TESTS.items():
    if "SuiteTest." + name not in wanted:
        continue
    print("[ RUN      ] SuiteTest." + name, flush=True)
    status = subprocess.run(["sh", "-c", script]).returncode
    if status >= 10:
        sys.exit(status)
    failed |= status == 1
    said = {{0: "      OK", 1: " FAILED ", 2: " SKIPPED"}}[status]
    print("[ " + said + " ] SuiteTest." + name + " (1 ms)", flush=True)
sys.exit({status} or failed)
"""


class RunTest(unittest.TestCase):
    def outcomes(self, tests, status=0, timeout=30, wanted=lambda name: True):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "program.py")
            program.write_text(PROGRAM.format(tests=tests, status=status))
            found = list(run.gtest_outcomes(
                {"name": "layer", "cmd": [sys.executable, str(program)],
                 "timeout": timeout, "env": {}, "workdir": None}, wanted))
        self.details = {each.test.split(".")[-1]: each.detail
                        for each in found}
        return {each.test.split(".")[-1]: each.outcome for each in found}

    def test_each_test_is_counted(self):
        self.assertEqual(
            {"A": "passed", "B": "failed", "C": "skipped"},
            self.outcomes({"A": "true", "B": "echo why; exit 1",
                           "C": "exit 2"}))
        self.assertIn("why", self.details["B"])

    def test_only_what_was_asked_for_runs(self):
        self.assertEqual({"B": "passed"}, self.outcomes(
            {"A": "exit 1", "B": "true"},
            wanted=lambda name: name == "layer/SuiteTest.B"))
        self.assertEqual({}, self.outcomes({"A": "true"},
                                           wanted=lambda name: False))

    def test_a_crash_costs_the_test_that_ran(self):
        self.assertEqual(
            {"A": "passed", "B": "failed", "C": "passed"},
            self.outcomes({"A": "true", "B": "echo deep; exit 77",
                           "C": "true"}))
        self.assertIn("deep", self.details["B"])
        self.assertIn("exit status 77", self.details["B"])

    def test_a_hang_costs_the_tests_behind_it_too(self):
        self.assertEqual(
            {"A": "passed", "B": "failed", "C": "failed"},
            self.outcomes({"A": "true", "B": "exec sleep 100", "C": "true"},
                          timeout=2))
        self.assertIn("did not end in time", self.details["B"])
        self.assertIn("not run", self.details["C"])

    def test_a_leak_at_the_end_is_a_failure(self):
        self.assertEqual({"A": "passed", "layer/as_a_whole": "failed"},
                         self.outcomes({"A": "true"}, status=23))

    def test_a_program_that_cannot_start_is_a_failure(self):
        for program in "false", "/nowhere/at/all":
            found = list(run.gtest_outcomes(
                {"name": "layer", "cmd": [program], "timeout": 5, "env": {},
                 "workdir": None}, lambda name: True))
            self.assertEqual([("layer/list", "failed")],
                             [each[:2] for each in found])

    def test_names_of_parameterised_tests_are_understood(self):
        outcomes, running, _ = run.ended(
            "[ RUN      ] All/SuiteTest.Works/0\n"
            "[  FAILED  ] All/SuiteTest.Works/0, where GetParam() = 1 (1 ms)\n"
            "[ RUN      ] SuiteTest/1.Hangs\n")
        self.assertEqual("failed", outcomes["All/SuiteTest.Works/0"][0])
        self.assertEqual("SuiteTest/1.Hangs", running)


class TotalTest(unittest.TestCase):
    def total(self, *outcomes):
        """The last line and the exit status for these outcomes."""
        with tempfile.NamedTemporaryFile() as results:
            for name, outcome in outcomes:
                run.append(results.name, "gcc", run.Outcome(name, outcome, ""))
            ended = subprocess.run(
                [sys.executable, run.__file__, "total", results.name],
                capture_output=True, text=True)
        return ended.stdout.splitlines()[-1], ended.returncode

    def test_the_last_line_says_how_many(self):
        self.assertEqual(("2 passed, 0 failed", 0),
                         self.total(("a", "passed"), ("b", "passed")))
        self.assertEqual(("1 passed, 1 failed, 1 skipped", 1), self.total(
            ("a", "passed"), ("b", "failed"), ("c", "skipped")))

    def test_no_test_at_all_is_a_failure(self):
        self.assertEqual(("0 passed, 0 failed", 1), self.total())


if __name__ == "__main__":
    unittest.main()
