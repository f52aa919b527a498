"""Does bench/run.py say what Google Benchmark measured?

SPDX-License-Identifier: MIT
"""

import importlib.util
import json
import pathlib
import unittest
from unittest import mock

SCRIPT = pathlib.Path(__file__).parents[2] / "bench/run.py"
SPEC = importlib.util.spec_from_file_location("bench_run", SCRIPT)
bench = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(bench)


def measured(name, time, unit="ns", cpu=None, **more):
    return {"name": name, "run_name": name, "run_type": "iteration",
            "real_time": time, "cpu_time": time if cpu is None else cpu,
            "time_unit": unit, **more}


class BenchTest(unittest.TestCase):
    def test_only_benchmarks_are_measured(self):
        build = pathlib.Path("build").resolve()
        targets = [{"type": kind, "filename": [str(build / name)]}
                   for kind, name in (("executable", "bench/net_bench"),
                                      ("executable", "bench/net/echo_load"),
                                      ("executable", "tests/bench_test"),
                                      ("static library", "bench/x_bench"))]
        answer = mock.Mock(stdout=json.dumps(targets))
        with mock.patch.object(bench.subprocess, "run", return_value=answer):
            self.assertEqual([build / "bench/net_bench"],
                             bench.programs(build))

    def test_a_layer_is_no_part_of_another_name(self):
        self.assertEqual("^net/", bench.pattern("net"))
        self.assertEqual("net/echo", bench.pattern("net/echo"))

    def rows(self, *benchmarks):
        return list(bench.rows({"benchmarks": list(benchmarks)}))

    def test_the_median_and_the_smallest_are_of_all_repetitions(self):
        self.assertEqual(
            [["runtime/yield/weft/1/2", "4.00 [3.00]", "5.00 [1.00]", "", ""]],
            self.rows(*(measured("runtime/yield/weft/1/2/real_time", time,
                                 cpu=cpu)
                        for time, cpu in ((4, 9), (3, 5), (5, 1)))))

    def test_a_row_is_divided_by_the_floor_of_its_arguments(self):
        rows = self.rows(measured("runtime/yield/weft/1/2", 1, cpu=9),
                         measured("runtime/yield/weft/1/2", 1, cpu=8),
                         measured("runtime/yield/floor/1/2", 1, cpu=3),
                         measured("runtime/yield/floor/1/2", 1, cpu=2),
                         measured("runtime/yield/weft/2/2", 9),
                         measured("runtime/spawn/weft/1/2", 9))
        self.assertEqual(["3.40 [4.00]", "", "", ""], [row[3] for row in rows])

    def test_our_row_says_how_it_compares_with_what_clang_made(self):
        rows = self.rows(measured("runtime/yield/weft/1", 6, cpu=9),
                         measured("runtime/yield/weft-clang/1", 4, cpu=3),
                         measured("runtime/yield/floor/1", 2))
        self.assertEqual(["1.50 [1.50] x clang", "", ""],
                         [row[4] for row in rows])

    def test_of_what_clang_built_only_our_own_rows_are_shown(self):
        report = {"benchmarks": [measured("a/b/weft/1", 1),
                                 measured("a/b/floor/1", 1)]}
        with mock.patch.object(bench, "measure", return_value=report):
            ours = bench.measure_clang("program", None, False, "out")
        self.assertEqual(["a/b/weft-clang/1"],
                         [each["run_name"] for each in ours["benchmarks"]])

    def test_a_floor_that_takes_no_time_divides_nothing(self):
        rows = self.rows(measured("a/b/weft", 5), measured("a/b/floor", 0))
        self.assertEqual(["", ""], [row[3] for row in rows])

    def test_items_count_where_there_are_some(self):
        row = self.rows(measured("a/b/weft", 1, "ms", cpu=1.5,
                                 items_per_second=5e7))[0]
        self.assertEqual(["20.0 [20.0]", "30.0 [30.0]"], row[1:3])
        row = self.rows(measured("a/b/weft", 2, "us", cpu=1))[0]
        self.assertEqual(["2,000 [2,000]", "1,000 [1,000]"], row[1:3])

    def test_counters_and_failures_are_told(self):
        self.assertEqual("bytes=208", self.rows(
            measured("a/b/weft", 1, bytes=208.0))[0][4])
        self.assertEqual(
            [["a/b/weft", "failed", "", "", "no network"]],
            self.rows(measured("a/b/weft", 0, error_occurred=True,
                               error_message="no network")))

    def test_aggregates_are_not_counted_again(self):
        self.assertEqual(1, len(self.rows(
            measured("a/b/weft", 1),
            {**measured("a/b/weft", 100), "run_type": "aggregate"})))

    def ask_peer(self, status, written):
        out = mock.Mock(read_text=lambda: written)
        with mock.patch.object(bench.subprocess, "run",
                               return_value=mock.Mock(returncode=status)):
            return bench.ask_peer(pathlib.Path("peers/libuv/run"), "", False,
                                  out)

    def test_a_peer_tells_what_it_measured(self):
        self.assertEqual({"benchmarks": [1]},
                         self.ask_peer(0, '{"benchmarks": [1]}'))
        self.assertEqual({}, self.ask_peer(0, ""))  # It has no such row.

    def test_a_peer_that_fails_is_a_row_and_no_error(self):
        report = self.ask_peer(1, "")
        self.assertEqual([["peers/libuv", "failed", "", "",
                           "skipped: it ended with exit status 1"]],
                         self.rows(*report["benchmarks"]))

    def test_reports_become_one(self):
        one = {"context": {"num_cpus": 2}, "benchmarks": [measured("a", 1)]}
        two = {"context": {"num_cpus": 3}, "benchmarks": [measured("b", 1)]}
        merged = bench.merged([{}, one, two])
        self.assertEqual({"num_cpus": 2}, merged["context"])
        self.assertEqual(["a", "b"],
                         [each["name"] for each in merged["benchmarks"]])


if __name__ == "__main__":
    unittest.main()
