"""Questions that are asked of processes: in passes, interleaved, and written as
Google Benchmark would.

A pass asks every question once, of a process that is new, and the next one all
of them again: a slow moment of the machine hits all implementations alike.
What is told is a line for each pass, so that run.py has the medians. Counters
are the medians of the passes already, and the same in each line.

SPDX-License-Identifier: MIT
"""

import argparse
import collections
import dataclasses
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import typing

from process import Failed

HERE = pathlib.Path(__file__).parent
PASSES = 5
# A share that the system's ticks have sampled: the more of them the better.
MEANS = {"user_ns"}


@dataclasses.dataclass
class Implementation:
    """What is asked: its program, and the words of what that can do."""

    name: str
    command: list
    can: set
    label: str = ""


@dataclasses.dataclass
class Sample:
    """What one pass found: nanoseconds of one item."""

    real: float
    cpu: float
    counters: dict


@dataclasses.dataclass
class Question:
    """A row. `ask` is called once a pass with whether to be quick, or only once
    where once is enough; `count` after the passes, for more counters."""

    name: str
    implementation: Implementation
    ask: typing.Callable
    count: typing.Callable = lambda: {}
    once: bool = False


# --- Who is asked. ---

def ours(build, clang, program, floor, can):
    """Those that meson has built. The floor is the same for both compilers."""
    found = [Implementation("weft", [build / program], can),
             Implementation("floor", [build / floor], can)]
    if clang:
        found.append(Implementation("weft-clang", [clang / program], can))
    return found


def built(build, optional):
    """Those of `optional` that are there: meson leaves out what needs a library
    that is missing. A program may have words after its name."""
    return [Implementation(name, [build / program, *words], can)
            for name, ((program, *words), can) in optional.items()
            if (build / program).exists()]


def peers():
    """Those that bench/peers/ can build (asked.py); and a row for each that
    does not build, which takes no other with it."""
    found, broken = [], []
    for run in sorted((HERE / "peers").glob("*/run")):
        told = subprocess.run([run, "--processes"], stdout=subprocess.PIPE)
        if told.returncode != 0:
            broken.append(failure(
                f"peers/{run.parent.name}/processes",
                f"skipped: it ended with exit status {told.returncode}"))
            continue
        found += [Implementation(name, peer["command"], set(peer["can"]),
                                 peer["label"])
                  for name, peer in json.loads(told.stdout).items()]
    return found, broken


# --- Asking, and telling. ---

def asked(questions, quick):
    """The samples of each question, and why those without have none."""
    samples, failures = collections.defaultdict(list), {}
    passes = 1 if quick else PASSES
    for number in range(passes):
        for question in questions:
            if question.name in failures or number > 0 and question.once:
                continue
            try:
                samples[question.name].append(question.ask(quick))
            except (Failed, OSError, ValueError) as why:
                failures[question.name] = str(why)
    return samples, failures


def together(samples):
    """The counters of all passes as one."""
    return {name: (statistics.mean if name in MEANS else statistics.median)(
                each.counters[name] for each in samples)
            for name in samples[0].counters}


def lines(question, samples, more):
    counters = {**together(samples), **more}
    label = question.implementation.label
    for index, sample in enumerate(samples):
        yield {"name": question.name, "run_name": question.name,
               "run_type": "iteration", "repetitions": len(samples),
               "repetition_index": index, "iterations": 1,
               "real_time": sample.real, "cpu_time": sample.cpu,
               "time_unit": "ns", **counters,
               **({"label": label} if label else {})}


def failure(name, why):
    return {"name": name, "run_name": name, "run_type": "iteration",
            "error_occurred": True, "error_message": why}


def report_of(questions, quick):
    samples, failures = asked(questions, quick)
    rows = []
    for question in questions:
        try:
            if question.name not in failures:
                rows += lines(question, samples[question.name],
                              question.count())
        except (Failed, OSError, ValueError) as why:
            failures[question.name] = str(why)
    rows += [failure(name, why) for name, why in failures.items()]
    return {"context": {"num_cpus": os.cpu_count(), "quick": quick},
            "benchmarks": rows}


def main(description, program, floor, can, questions_of, optional):
    """What a script of such questions does. `program` and `floor` are below the
    build's folder, and so are the programs of `optional`, which has them and
    what they can by the names of their rows; questions_of(implementations)
    gives the rows."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--list", action="store_true",
                        help="the names of our own rows, and no more")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE",
                        default="/dev/stdout")
    parser.add_argument("--only", metavar="REGEX")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--clang", type=pathlib.Path, metavar="BUILD")
    arguments = parser.parse_args()
    # As Ctrl-C does: the processes end with the blocks that made them.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    implementations = ours(arguments.build, arguments.clang, program, floor,
                           can)
    implementations += built(arguments.build, optional)
    broken = []
    if arguments.peers:
        others, broken = peers()
        implementations += others
    questions = [question for question in questions_of(implementations)
                 if re.search(arguments.only or ".", question.name)]
    if arguments.list:
        print("\n".join(question.name for question in questions))
        return
    report = report_of(questions, arguments.quick)
    report["benchmarks"] += broken
    arguments.json.write_text(json.dumps(report, indent=1) + "\n")
