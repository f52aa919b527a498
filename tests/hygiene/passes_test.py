"""Do bench/passes.py and bench/process.py tell what processes did?

SPDX-License-Identifier: MIT
"""

import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.append(str(pathlib.Path(__file__).parents[2] / "bench"))
import passes  # noqa: E402: it is found by the line above.
import process  # noqa: E402

TABLE = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.001234           1      1000           sendto
 40.00    0.000823           0      1021        21 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.002057           1      2021        21 total
"""
WEFT = passes.Implementation("weft", ["true"], {"echo"})
PEER = passes.Implementation("peer", ["true"], {"echo"}, "1.2")


def question(name, samples, implementation=WEFT, **more):
    """One that finds these in turn; an exception is raised."""
    return passes.Question(name, implementation,
                           mock.Mock(side_effect=list(samples)), **more)


def sample(cpu, **counters):
    return passes.Sample(2 * cpu, cpu, counters)


class PassesTest(unittest.TestCase):
    def rows(self, *questions, quick=False):
        return passes.report_of(questions, quick)["benchmarks"]

    def test_every_pass_is_a_line(self):
        rows = self.rows(question("a/b/weft", map(sample, range(1, 6))))
        self.assertEqual([1, 2, 3, 4, 5], [row["cpu_time"] for row in rows])
        self.assertEqual([2, 4, 6, 8, 10], [row["real_time"] for row in rows])

    def test_a_pass_asks_all_before_the_next_begins(self):
        order = []
        questions = [passes.Question(
            name, WEFT, lambda _, name=name: order.append(name) or sample(1))
            for name in ("a", "b")]
        self.rows(*questions)
        self.assertEqual(["a", "b"] * passes.PASSES, order)

    def test_counters_are_those_of_all_passes(self):
        rows = self.rows(question("a/b/weft", [
            sample(1, p50_us=number, user_ns=number)
            for number in (1, 1, 2, 3, 8)]))
        self.assertEqual([(2, 3)] * 5,
                         [(row["p50_us"], row["user_ns"]) for row in rows])

    def test_what_is_counted_afterwards_is_in_every_line(self):
        rows = self.rows(question("a/b/peer", map(sample, range(5)), PEER,
                                  count=lambda: {"syscalls_per_request": 2}))
        self.assertEqual([(2, "1.2")] * 5,
                         [(row["syscalls_per_request"], row["label"])
                          for row in rows])

    def test_once_is_enough_for_some_and_for_all_when_it_is_quick(self):
        self.assertEqual(1, len(self.rows(
            question("a/b/weft", [sample(1)], once=True))))
        self.assertEqual(1, len(self.rows(
            question("a/b/weft", [sample(1)]), quick=True)))

    def test_one_that_fails_is_told_and_takes_no_other_with_it(self):
        rows = self.rows(
            question("a/b/weft", [sample(1), process.Failed("it has ended")]),
            question("a/b/peer", map(sample, range(5)), PEER))
        self.assertEqual(["a/b/peer"] * 5 + ["a/b/weft"],
                         [row["run_name"] for row in rows])
        self.assertEqual("it has ended", rows[-1]["error_message"])


class OptionalTest(unittest.TestCase):
    def test_what_meson_has_left_out_is_not_asked(self):
        with tempfile.TemporaryDirectory() as folder:
            build = pathlib.Path(folder)
            (build / "there").touch()
            found = passes.built(build, {
                "one": (["there"], {"echo"}),
                "another way": (["there", "per_core"], {"echo"}),
                "other": (["missing"], {"echo"})})
            self.assertEqual(
                [passes.Implementation("one", [build / "there"], {"echo"}),
                 passes.Implementation("another way",
                                       [build / "there", "per_core"],
                                       {"echo"})],
                found)


class ProcessTest(unittest.TestCase):
    def test_calls_are_summed_but_not_their_total(self):
        self.assertEqual(2021, process.calls_in(TABLE))

    def test_user_time_is_the_sampled_share_of_the_exact_time(self):
        used = (process.Usage(1100, 50, 20, 9)
                - process.Usage(100, 10, 10, 2))
        self.assertEqual((1000, 250, 7), (used.cpu, used.user, used.switches))

    def test_a_process_that_no_tick_has_met_has_no_user_time(self):
        self.assertEqual(0, process.Usage(1100, 0, 0, 9).user)

    def test_a_line_is_answered_by_a_line(self):
        with process.Process(["cat"]) as cat:
            self.assertEqual("1", cat.ask(1))
            self.assertEqual("2", cat.ask(2))

    def test_one_that_has_ended_is_a_failure(self):
        with process.Process(["true"]) as ended:
            with self.assertRaisesRegex(process.Failed, "true has ended"):
                ended.hear()


if __name__ == "__main__":
    unittest.main()
