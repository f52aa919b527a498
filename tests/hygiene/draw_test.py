"""Does bench/draw.py draw what was measured, whoever was faster?

SPDX-License-Identifier: MIT
"""

import pathlib
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.append(str(pathlib.Path(__file__).parents[2] / "bench"))
import draw  # noqa: E402: it is found by the line above.


def measured(name, time, **more):
    return {"name": name, "run_name": name, "run_type": "iteration",
            "real_time": time, "cpu_time": time, "time_unit": "ns", **more}


class DrawTest(unittest.TestCase):
    def drawn(self, *benchmarks):
        """File name to text of all charts; each is well-formed."""
        with tempfile.TemporaryDirectory() as folder:
            files = list(draw.draw({"benchmarks": list(benchmarks)},
                                   pathlib.Path(folder)))
            charts = {file.name: file.read_text() for file in files}
        for chart in charts.values():
            xml.etree.ElementTree.fromstring(chart)
        return charts

    def chart(self, *benchmarks):
        return next(iter(self.drawn(*benchmarks).values()))

    def words(self, chart):
        return re.findall(r"<text[^>]*>([^<]*)<", chart)

    def test_the_fastest_is_at_the_top(self):
        words = self.words(self.chart(measured("runtime/a/weft/1", 50),
                                      measured("runtime/a/go/1", 2000),
                                      measured("runtime/a/asio/1", 5)))
        self.assertEqual(["runtime/a", "1 worker", "asio", "5.00 ns", "weft",
                          "50.0 ns", "go", "2.00 µs"], words[:8])

    def test_the_median_of_the_repetitions_counts(self):
        words = self.words(self.chart(
            *(measured("a/b/weft", time) for time in (1, 2, 9)),
            measured("a/b/go", 4)))
        self.assertEqual(["weft", "2.00 ns", "go", "4.00 ns"], words[1:5])

    def test_bytes_are_drawn_where_they_are_asked_for(self):
        words = self.words(self.chart(
            measured("runtime/bytes_per_task/weft", 9, bytes=208),
            measured("runtime/bytes_per_task/go", 1, bytes=2600)))
        self.assertEqual(["weft", "208 bytes", "go", "2,600 bytes"], words[1:5])

    def test_a_bar_that_dwarfs_the_others_is_cut_and_says_what_it_took(self):
        others = [measured("a/b/go", 4), measured("a/b/asio", 5)]
        chart = self.chart(measured("a/b/weft", 1000), *others)
        self.assertIn('class="cut"', chart)
        self.assertIn("1.00 µs", self.words(chart))
        self.assertNotIn('class="cut"',
                         self.chart(measured("a/b/weft", 20), *others))

    def test_what_cannot_be_compared_is_not_drawn(self):
        self.assertEqual(
            ["a_c.svg"], list(self.drawn(measured("a/b/weft", 1),
                                         measured("a/c/weft", 1),
                                         measured("a/c/floor", 1))))

    def test_the_version_of_a_peer_is_told(self):
        self.assertIn("go 1.19", self.words(self.chart(
            measured("a/b/weft", 1), measured("a/b/go", 1, label="1.19"))))


if __name__ == "__main__":
    unittest.main()
