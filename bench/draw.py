"""Draws what was measured: a bar chart for each question, as SVG.

    draw.py REPORT FOLDER

REPORT is what `run.py --json` wrote, or - for standard input. A question that
only one implementation has answered has nothing to be compared with and is not
drawn.

The fastest row is at the top, wherever ours may be. Bars begin at zero and are
as long as the median of the real time, or of the bytes where those are asked
for, or of the processor time where what a server costs is. A row that takes
many times as long as the others would make them all look alike, so its bar is
cut, visibly; what it took stands beside it as beside any.

SPDX-License-Identifier: MIT
"""

import argparse
import html
import json
import pathlib
import statistics
import sys

import run

OURS = "weft"
WIDTH, LEFT, LONGEST, ROW = 720, 150, 440, 24
LONGEST_OF_TYPICAL = 8  # A bar this many times the middle one is cut.
UNITS = [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")]
# What the arguments after the implementation are; others are just numbers.
ARGUMENTS = {
    "runtime/yield": ("worker", "task"),
    "net/echo": ("connection", "byte"),
    "net/echo_two_workers": ("connection", "byte"),
    "fs/read_cached_4k": ("reader",),
    "fs/write_sync_4k": ("writer",),
}
OF_LAYERS = {"runtime": ("worker",), "sync": ("worker",)}
# Questions of what a server costs, and not of how long somebody waits.
OF_PROCESSOR_TIME = {"net/echo", "net/echo_two_workers", "net/accept_close",
                     "net/timeouts"}

# Both themes are in the file, since it cannot know where it is shown.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .quiet { fill: #59636e; }
  .bar { fill: #8c959f; }
  .ours { fill: #0969da; }
  .cut { stroke: #ffffff; stroke-width: 3; }
  .ground { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .bar { fill: #656c76; }
    .ours { fill: #4493f8; }
    .cut { stroke: #0d1117; }
    .ground { fill: #0d1117; }
  }
"""


def answers(report):
    """Question to arguments to implementation to all that it took."""
    questions = {}
    for benchmark in report["benchmarks"]:
        if benchmark.get("run_type") == "aggregate" or (
                benchmark.get("error_occurred")):
            continue
        layer, question, implementation, *arguments = run.plain(
            benchmark["run_name"]).split("/")
        question = f"{layer}/{question}"
        real, cpu = run.nanoseconds(benchmark)
        took = cpu if question in OF_PROCESSOR_TIME else real
        took = benchmark["bytes"] if "bytes" in question else took
        questions.setdefault(question, {}).setdefault(
            tuple(arguments), {}).setdefault(implementation, []).append(took)
    return questions


def versions(report):
    """Implementation to the version that was asked, where it told one."""
    return {run.plain(benchmark["run_name"]).split("/")[2]: benchmark["label"]
            for benchmark in report["benchmarks"] if benchmark.get("label")}


def medians(times):
    """Implementation and median, the smallest first."""
    return sorted(((name, statistics.median(took))
                   for name, took in times.items()), key=lambda row: row[1])


def said(question, took):
    """A quantity as people write it."""
    if "bytes" in question:
        return f"{run.number(took)} bytes"
    size, unit = next((each for each in UNITS if took >= each[0]), UNITS[-1])
    return f"{run.number(took / size)} {unit}"


def heading(question, arguments):
    """What the arguments of a group of rows mean."""
    names = ARGUMENTS.get(question) or OF_LAYERS.get(
        question.split("/")[0], ())
    words = [f"{value} {name}{'' if value == '1' else 's'}"
             for value, name in zip(arguments, names)]
    return ", ".join(words + list(arguments[len(names):]))


class Picture:
    """The elements of a drawing, from the top to the bottom."""

    def __init__(self, title):
        self.title = html.escape(title)
        self.elements = []
        self.bottom = 12

    def text(self, words, x=16, style="", step=ROW, anchor="start"):
        self.elements.append(
            f'<text x="{x}" y="{self.bottom + 17}" class="{style}" '
            f'text-anchor="{anchor}">{html.escape(words)}</text>')
        self.bottom += step

    def bar(self, name, share, is_cut, words):
        length = max(share * LONGEST, 1)
        style = "bar ours" if name == OURS else "bar"
        self.text(name, x=LEFT - 10, step=0, anchor="end")
        self.elements.append(
            f'<rect x="{LEFT}" y="{self.bottom + 4}" width="{length:.1f}" '
            f'height="{ROW - 7}" class="{style}"/>')
        if is_cut:
            at = LEFT + length - 24
            self.elements += [
                f'<path d="M{at + aside:.1f} {self.bottom + ROW - 2} l8 -20" '
                f'class="cut"/>' for aside in (0, 7)]
        self.text(words, x=f"{LEFT + length + 8:.1f}")

    def __str__(self):
        height = self.bottom + 12
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
            f'width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}">',
            f"<title>{self.title}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" class="ground"/>',
            *self.elements, "</svg>", ""])


def chart(question, groups, labels):
    """The drawing of one question: a group of bars for all its arguments."""
    picture = Picture(question)
    picture.text(question, style="title")
    for arguments, times in groups.items():
        rows = medians(times)
        typical = statistics.median(took for _, took in rows)
        longest = min(rows[-1][1], typical * LONGEST_OF_TYPICAL) or 1
        picture.bottom += 4
        if arguments:
            picture.text(heading(question, arguments), style="quiet")
        for name, took in rows:
            picture.bar(name, min(took / longest, 1), took > longest,
                        said(question, took))
    picture.bottom += 4
    what = ("memory" if "bytes" in question
            else "processor time" if question in OF_PROCESSOR_TIME
            else "real time")
    picture.text(f"The median of the {what} of one: shorter is better.",
                 style="quiet", step=20)
    drawn = {name for times in groups.values() for name in times}
    told = ", ".join(f"{name} {label}" for name, label in labels.items()
                     if name in drawn)
    if told:
        picture.text(told, style="quiet", step=20)
    return str(picture)


def draw(report, folder):
    """Writes all charts; the files that were written."""
    folder.mkdir(parents=True, exist_ok=True)
    for question, groups in answers(report).items():
        compared = {arguments: groups[arguments]
                    for arguments in sorted(groups, key=in_order)
                    if len(groups[arguments]) > 1}
        if compared:
            file = folder / (question.replace("/", "_") + ".svg")
            file.write_text(chart(question, compared, versions(report)))
            yield file


def in_order(arguments):
    return [(int(each), "") if each.isdigit() else (0, each)
            for each in arguments]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=argparse.FileType(), metavar="REPORT")
    parser.add_argument("folder", type=pathlib.Path, metavar="FOLDER")
    arguments = parser.parse_args()
    for file in draw(json.load(arguments.report), arguments.folder):
        print(f"drew {file}", file=sys.stderr)


if __name__ == "__main__":
    main()
