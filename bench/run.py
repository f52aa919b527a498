"""Runs the benchmarks of a build folder and prints one table.

    run.py BUILD [--only LAYER|REGEX] [--quick] [--json FILE] [--draw FOLDER]
           [--peers] [--clang BUILD]

A row has the time that passed and the time of all processors that the process
used, both in nanoseconds for each item: the median of the repetitions, and
[the smallest]. A busy machine disturbs the second less; it counts what idle
workers use, too.

A benchmark is called layer/question/implementation/argument... The row whose
implementation is `floor` is what the same question costs without us, on the
same arguments in the same run; the other rows of the question are divided by
it, processor time by processor time, [smallest by smallest].

With `--clang` the same programs are asked once more, out of a folder that
clang has built. Theirs are rows of the implementation `weft-clang`, and those
of `weft` say how many times as long they take, by the clock.

Where the question is what a server costs, or a program that reads files, each
is a process of its own and is looked at from the outside, by net/servers.py and
fs/files.py.

A peer is another runtime that is asked the same questions. It is a folder of
bench/peers/ with a program `run`, which is called with `--json FILE`, and with
`--only` and `--quick` where they were given, and writes what Google Benchmark
would. One that fails is skipped, and the exit code tells at the end. With
`--draw` all rows become charts (draw.py).

SPDX-License-Identifier: MIT
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
PEERS = HERE / "peers"
LAYERS = ("reactor", "runtime", "sync", "net", "fs")
OF_PROCESSES = [HERE / "fs/files.py", HERE / "net/servers.py"]
NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
# What Google Benchmark says of every benchmark; anything else is a counter.
USUAL = {
    "name", "family_index", "per_family_instance_index", "run_name",
    "run_type", "repetitions", "repetition_index", "threads", "iterations",
    "real_time", "cpu_time", "time_unit", "items_per_second",
    "bytes_per_second", "aggregate_name", "aggregate_unit",
    "error_occurred", "error_message",
}


def pattern(only):
    """A layer by its name alone is meant, and not oneTBB by `net`."""
    return f"^{only}/" if only in LAYERS else only


def programs(build):
    """The benchmark programs that meson built below bench/."""
    asked = subprocess.run(["meson", "introspect", "--targets", build],
                           check=True, capture_output=True, text=True)
    files = [pathlib.Path(target["filename"][0])
             for target in json.loads(asked.stdout)
             if target["type"] == "executable"]
    bench = build.resolve() / "bench"
    # What else is built there has questions of its own (echo_load).
    return sorted(file for file in files
                  if bench in file.parents and file.name.endswith("_bench"))


def has_any(program, only):
    """Whether a benchmark of `program` matches."""
    listed = subprocess.run(
        [program, f"--benchmark_filter={only or '.'}",
         "--benchmark_list_tests=true"],
        capture_output=True, text=True)
    return listed.returncode == 0 and bool(listed.stdout.strip())


def measure(program, only, quick, out):
    """Runs one program; what it measured, in Google Benchmark's format."""
    repetitions = 1 if quick else 5
    # Interleaved, so that a slow moment of the machine hits all rows alike.
    subprocess.run(
        [program, f"--benchmark_filter={only or '.'}",
         f"--benchmark_repetitions={repetitions}",
         f"--benchmark_min_time={0.02 if quick else 0.2}",
         f"--benchmark_enable_random_interleaving={str(not quick).lower()}",
         f"--benchmark_out={out}", "--benchmark_out_format=json"],
        check=True, stdout=subprocess.DEVNULL)
    # A filter that nothing matches leaves an empty file.
    return json.loads(out.read_text() or "{}")


def questions_of_processes(build, peers, clang):
    """As measure, for the scripts of OF_PROCESSES."""
    def ask(script, only, quick, out):
        command = [sys.executable, script, build, "--json", out]
        command += ["--only", only] if only else []
        command += ["--quick"] if quick else []
        command += ["--peers"] if peers else []
        command += ["--clang", clang] if clang else []
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.loads(out.read_text())

    return ask


def lists_any(script, build, only):
    """Whether a row of ours matches."""
    command = [sys.executable, script, build, "--list"]
    listed = subprocess.run(command + (["--only", only] if only else []),
                            check=True, capture_output=True, text=True)
    return bool(listed.stdout.strip())


def ask_peer(program, only, quick, out):
    """As measure. Of a peer that does not build, or ends in a crash, there is
    one row that says so."""
    command = [program, "--json", out]
    command += ["--only", only] if only else []
    command += ["--quick"] if quick else []
    ended = subprocess.run(command, stdout=subprocess.DEVNULL)
    if ended.returncode == 0:
        return json.loads(out.read_text() or "{}")
    why = f"skipped: it ended with exit status {ended.returncode}"
    return {"benchmarks": [{"run_name": f"peers/{program.parent.name}",
                            "error_occurred": True, "error_message": why}]}


def measure_clang(program, only, quick, out):
    """As measure, of a program that clang has built: our own rows, under a name
    of their own."""
    report = measure(program, only, quick, out)
    ours = [each for each in report.get("benchmarks", [])
            if implementation_of(each["run_name"]) == "weft"]
    for each in ours:
        each["run_name"] = clang_row_of(each["run_name"])
    return {**report, "benchmarks": ours}


def merged(reports):
    """One report of several: Google Benchmark's own format again."""
    return {"context": next((each["context"] for each in reports
                             if "context" in each), {}),
            "benchmarks": [benchmark for each in reports
                           for benchmark in each.get("benchmarks", [])]}


def plain(name):
    """A benchmark's name without what the library appends to it."""
    return "/".join(
        part for part in name.split("/") if ":" not in part
        and part not in ("real_time", "process_time", "manual_time"))


def nanoseconds(benchmark):
    """Real and processor time: for one item, where items are counted; else for
    one iteration."""
    unit = NANOSECONDS[benchmark["time_unit"]]
    real, cpu = benchmark["real_time"] * unit, benchmark["cpu_time"] * unit
    if benchmark.get("items_per_second"):
        # They are counted in real time (bench/main.cc).
        real_item = 1e9 / benchmark["items_per_second"]
        return real_item, cpu * real_item / real if real else 0
    return real, cpu


def implementation_of(name):
    return (name.split("/") + ["", ""])[2]


def row_of(implementation, name):
    parts = name.split("/")
    return "/".join(parts[:2] + [implementation] + parts[3:])


def floor_of(name):
    return row_of("floor", name)


def clang_row_of(name):
    return row_of("weft-clang", name)


def number(value):
    """Three figures are what a median is worth."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


class Times:
    """What the repetitions of one benchmark took."""

    def __init__(self, times):
        self.median = statistics.median(times)
        self.least = min(times)

    def __str__(self):
        return f"{number(self.median)} [{number(self.least)}]"

    def over(self, floor):
        """How many times as much; nothing where the floor took no time."""
        if not floor.median or not floor.least:
            return ""
        return (f"{self.median / floor.median:.2f} "
                f"[{self.least / floor.least:.2f}]")


def rows(report):
    """Name, real and processor time, ratio to the floor, and the counters."""
    times, counters, failures = {}, {}, {}
    for benchmark in report["benchmarks"]:
        if benchmark.get("run_type") == "aggregate":
            continue
        name = plain(benchmark["run_name"])
        if benchmark.get("error_occurred"):
            failures[name] = benchmark["error_message"]
            continue
        times.setdefault(name, []).append(nanoseconds(benchmark))
        counters[name] = {key: value for key, value in benchmark.items()
                          if key not in USUAL}
    # For each name the real and the processor time.
    both = {name: [Times(each) for each in zip(*all_)]
            for name, all_ in times.items()}
    for name, (real, cpu) in both.items():
        floor = both.get(floor_of(name))
        # The floor is what the first compiler made of it.
        alone = implementation_of(name) in ("floor", "weft-clang")
        ratio = cpu.over(floor[1]) if floor and not alone else ""
        said = " ".join(value if key == "label" else f"{key}={value:.6g}"
                        for key, value in counters[name].items())
        clang = both.get(clang_row_of(name))
        if clang and implementation_of(name) == "weft":
            said = f"{real.over(clang[0])} x clang {said}".rstrip()
        yield [name, str(real), str(cpu), ratio, said]
    for name, why in failures.items():
        yield [name, "failed", "", "", why]


def table(report):
    lines = [["benchmark", "real ns [least]", "cpu ns [least]",
              "x floor [least]", ""]]
    lines += rows(report)
    widths = [max(len(line[i]) for line in lines) for i in range(5)]
    for name, real, cpu, ratio, said in lines:
        yield (f"{name:<{widths[0]}}  {real:>{widths[1]}}  "
               f"{cpu:>{widths[2]}}  {ratio:>{widths[3]}}  {said}").rstrip()


def main():
    parser = argparse.ArgumentParser(prog="./dev bench",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", metavar="REGEX", type=pattern,
                        help="those of a layer, or whose name matches")
    parser.add_argument("--quick", action="store_true",
                        help="each measured briefly and once")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE",
                        help="also write Google Benchmark's own JSON")
    parser.add_argument("--draw", type=pathlib.Path, metavar="FOLDER",
                        help="also draw a chart for each question")
    parser.add_argument("--peers", action="store_true",
                        help="other runtimes too, asked the same questions")
    parser.add_argument("--clang", type=pathlib.Path, metavar="BUILD",
                        help="the same from another compiler beside it")
    arguments = parser.parse_args()

    # One after the other where they ask the same.
    asked = sorted(
        ((ask, program)
         for ask, build in ((measure, arguments.build),
                            (measure_clang, arguments.clang)) if build
         for program in programs(build) if has_any(program, arguments.only)),
        key=lambda each: each[1].name)
    # They ask the peers, too, which may have what matches.
    if sys.platform == "linux":
        ask = questions_of_processes(arguments.build, arguments.peers,
                                     arguments.clang)
        asked += [(ask, script) for script in OF_PROCESSES
                  if arguments.peers
                  or lists_any(script, arguments.build, arguments.only)]
    if arguments.peers:
        peers = sorted(PEERS.glob("*/run"))
        asked += [(ask_peer, program) for program in peers]
        if not peers:
            print("No peers are here to be asked (bench/peers/).",
                  file=sys.stderr)
    reports = []
    with tempfile.TemporaryDirectory() as folder:
        for ask, program in asked:
            print(f"measuring {program.parent.name}/{program.name}",
                  file=sys.stderr)
            out = pathlib.Path(folder, "measured.json")
            out.write_text("")
            reports.append(ask(program, arguments.only, arguments.quick, out))
    report = merged(reports)
    if not report["benchmarks"]:
        sys.exit("no benchmark has such a name" if arguments.only
                 else "there are no benchmarks yet")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    if arguments.draw:
        subprocess.run([sys.executable, HERE / "draw.py", "-", arguments.draw],
                       input=json.dumps(report), text=True, check=True)
    print("\n".join(table(report)))
    if any(each.get("error_occurred") for each in report["benchmarks"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
