"""What the programs `run` of the peers have in common: they build a program,
ask it, and write what Google Benchmark would.

    main(Cpp({"libtbb-dev": "tbb/task_group.h"}, ["-ltbb"]))

A peer is built into build/peers/NAME/ when its sources are newer, by a compiler
that is there already and from packages that are there already. Where something
is missing the peer is skipped: it says in a word what it would need, leaves an
empty report and is no error, since nobody must have six other runtimes to
measure this one.

What is asked as a process of its own (bench/passes.py) is another program, out
of the peer's folder processes/: called with `--processes`, `run` builds it and
prints, for each implementation that it stands for, the command, what that can
do, and its version.

Programs in C++ have Google Benchmark themselves. The others print the names of
their rows when called with `--list`; called with `NAME` or `--quick NAME` they
print a line of JSON for each repetition, with the members that Google Benchmark
would give it. Each row is a process of its own, so that none inherits a heap
from another.

SPDX-License-Identifier: MIT
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

PEERS = pathlib.Path(__file__).resolve().parent
ROOT = PEERS.parents[1]
sys.path.append(str(ROOT / "bench"))
import run  # noqa: E402: it is found by the line above.

# What any peer in C++ may include beside its own headers.
SHARED = [PEERS / "questions.h", PEERS / "processes.h", ROOT / "bench/main.cc",
          ROOT / "bench/runtime/matrix_product.h"]
REGISTRY = pathlib.Path("/usr/share/cargo/registry")  # Debian's crates.


class Missing(Exception):
    """What this machine lacks, in Debian's words."""


def tool(package, *names):
    """The first of the programs that is there."""
    for name in names:
        if shutil.which(name):
            return name
    raise Missing(package)


def version(package):
    """As Debian has it, without what Debian adds; nothing elsewhere."""
    try:
        told = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package],
                              capture_output=True, text=True).stdout
    except FileNotFoundError:
        return ""
    upstream = told.split(":")[-1].split("-")[0].split("~")[0]
    return upstream.split("+")[0]


def is_newer(file, sources):
    """Whether `file` was made after all of its sources."""
    return file.exists() and all(
        source.stat().st_mtime <= file.stat().st_mtime for source in sources)


class Cpp:
    """A program of all .cc files of a folder and Google Benchmark.

    `headers` are what it includes of other packages: the package of each, and
    a header by which to see that it is there.
    """

    FLAGS = ["-std=c++20", "-O3", "-march=native", "-DNDEBUG", "-pthread"]

    def __init__(self, headers, libraries=()):
        self.headers = {**headers, "libbenchmark-dev": "benchmark/benchmark.h"}
        self.libraries = [*libraries, "-lbenchmark"]
        self.package = next(iter(headers))

    def build(self, sources, into):
        shared = [ROOT / "bench/main.cc",
                  ROOT / "bench/runtime/matrix_product.cc"]
        return self.built([*shared, *sorted(sources.glob("*.cc"))],
                          self.libraries, into)

    def processes(self, sources, into, _):
        into = into / "processes"
        into.mkdir(exist_ok=True)
        # They measure nothing themselves.
        libraries = [each for each in self.libraries if each != "-lbenchmark"]
        return [self.built(sorted(sources.glob("processes/*.cc")), libraries,
                           into)]

    def built(self, sources, libraries, into):
        compiler = os.environ.get("CXX") or tool("g++", "g++-12", "g++")
        self.look_for_headers(compiler)
        # Headers are "weft/bench/...", as they are for our own benchmarks.
        include = into / "include"
        include.mkdir(exist_ok=True)
        if not (include / "weft").is_symlink():
            (include / "weft").symlink_to(ROOT)
        headers = [*sources[-1].parent.glob("*.h"), *SHARED,
                   PEERS / "asked.py"]
        objects = []
        for source in sources:
            objects.append(into / (source.stem + ".o"))
            if not is_newer(objects[-1], [source, *filter(
                    pathlib.Path.exists, headers)]):
                subprocess.run(
                    [*compiler.split(), *self.FLAGS, "-I", include, "-c",
                     source, "-o", objects[-1]], check=True)
        program = into / "program"
        if not is_newer(program, objects):
            subprocess.run([*compiler.split(), "-pthread", *objects,
                            *libraries, "-o", program], check=True)
        return program

    def look_for_headers(self, compiler):
        for package, header in self.headers.items():
            looked = subprocess.run(
                [*compiler.split(), *self.FLAGS, "-E", "-x", "c++", "-"],
                input=f"#include <{header}>\n", text=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if looked.returncode != 0:
                raise Missing(package)

    def ask(self, program, only, quick, out):
        if not run.has_any(program, only):
            return []
        return run.measure(program, only, quick, out).get("benchmarks", [])


def told_by(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          text=True).stdout.splitlines()


def ask_each(program, only, quick):
    """Asks a program that has no Google Benchmark, row by row."""
    return [json.loads(line)
            for name in told_by([*program, "--list"])
            if re.search(only or ".", name)
            for line in told_by([*program, *["--quick"] * quick, name])]


class Go:
    """A program of all .go files of a folder."""

    package = "golang-go"

    def build(self, sources, into):
        return self.built(sources, sources, into / "program")

    def processes(self, sources, into, _):
        return [self.built(sources, sources / "processes", into / "processes")]

    def built(self, module, package, program):
        go = tool(self.package, "go")
        if not is_newer(program, [*package.glob("*.go"), module / "go.mod"]):
            subprocess.run(
                [go, "build", "-o", program, "."], cwd=package, check=True,
                env={**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=mod"})
        return program

    def ask(self, program, only, quick, _):
        return ask_each([program], only, quick)


class Rust:
    """A program in Rust that needs no crates but those that Debian has."""

    def __init__(self, package, crate):
        self.package = package
        self.crate = crate

    def build(self, sources, into):
        cargo = tool("cargo", "cargo")
        if not list(REGISTRY.glob(f"{self.crate}-[0-9]*")):
            raise Missing(self.package)
        # Built from links, so that the lock file of this machine's crates and
        # where they are do not come to lie in the tree.
        (into / ".cargo").mkdir(exist_ok=True)
        (into / ".cargo/config.toml").write_text(
            '[source.crates-io]\nreplace-with = "debian"\n'
            f'[source.debian]\ndirectory = "{REGISTRY}"\n')
        for part in ("Cargo.toml", "src"):
            if not (into / part).is_symlink():
                (into / part).symlink_to(sources / part)
        flags = os.environ.get("RUSTFLAGS", "") + " -C target-cpu=native"
        # Cargo knows by itself what is newer.
        subprocess.run(
            [cargo, "build", "--quiet", "--release", "--offline", "--jobs", "1",
             "--target-dir", "target"], cwd=into, check=True,
            env={**os.environ, "RUSTFLAGS": flags.strip()})
        return into / "target/release" / sources.name

    def processes(self, sources, into, _):
        return [self.build(sources, into).parent / "processes"]

    def ask(self, program, only, quick, _):
        return ask_each([program], only, quick)


class Python:
    """program.py, run by the system's Python where it has one, which was built
    with more care than one that is made at home: nothing is built here."""

    package = "python3"

    def build(self, sources, _):
        return sources / "program.py"

    def processes(self, sources, _, name):
        if name == sources.name:
            return [self.python(), sources / "processes.py"]
        # Another loop for the same program.
        looked = subprocess.run([self.python(), "-c", f"import {name}"],
                                stderr=subprocess.DEVNULL)
        if looked.returncode != 0:
            raise Missing(f"python3-{name}")
        return [self.python(), sources / "processes.py", f"--{name}"]

    def ask(self, program, only, quick, _):
        return ask_each([self.python(), program], only, quick)

    @staticmethod
    def python():
        return shutil.which("python3", path="/usr/bin") or sys.executable


def processes(how, sources, into, can):
    """What `--processes` prints."""
    told = {}
    for name, words in can.items():
        try:
            command = how.processes(sources, into, name)
        except Missing as missing:
            print(f"skipped: {missing} is not installed", file=sys.stderr)
            continue
        told[name] = {
            "command": [str(each) for each in command], "can": words.split(),
            "label": version(how.package if name == sources.name
                             else f"python3-{name}")}
    return told


def context(quick):
    return {"num_cpus": os.cpu_count(), "library_build_type": "release",
            "quick": quick}


def main(how, can=None):
    """What `run` does; `how` is one of the classes above. `can` has the words
    of what each implementation can do as a process."""
    sources = pathlib.Path(sys.argv[0]).resolve().parent
    parser = argparse.ArgumentParser(
        prog=f"bench/peers/{sources.name}/run",
        description=f"Asks {sources.name} the questions of bench/.")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE",
                        help="where to write Google Benchmark's JSON")
    parser.add_argument("--only", metavar="REGEX",
                        help="the benchmarks whose name matches")
    parser.add_argument("--quick", action="store_true",
                        help="each measured briefly and once")
    parser.add_argument("--processes", action="store_true",
                        help="build what is asked as a process, and say how")
    arguments = parser.parse_args()

    into = ROOT / "build/peers" / sources.name
    into.mkdir(parents=True, exist_ok=True)
    if arguments.processes:
        print(json.dumps(processes(how, sources, into, can or {})))
        return
    report = {}
    try:
        program = how.build(sources, into)
        rows = how.ask(program, arguments.only, arguments.quick,
                       into / "measured.json")
        label = version(how.package)
        report = {"context": context(arguments.quick),
                  "benchmarks": [{**row, "label": label} for row in rows]}
    except Missing as missing:
        print(f"skipped: {missing} is not installed", file=sys.stderr)
    text = json.dumps(report, indent=1) + "\n"
    if arguments.json:
        arguments.json.write_text(text)
    else:
        print(text, end="")
