"""Runs clang-tidy 19 over the sources, several at a time.

    tidy.py BUILD --results FILE [--jobs N] [FILE...]

BUILD is a folder configured for clang. Without names, every source that is
compiled there is looked at; a header is looked at with what includes it.

SPDX-License-Identifier: MIT
"""

import argparse
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import time

from run import FAILED, PASSED, Outcome, Report

ROOT = pathlib.Path(__file__).resolve().parent.parent


def sources(build, named):
    """The files to look at: those named, or all that BUILD compiles."""
    commands = json.loads((build / "compile_commands.json").read_text())
    compiled = {(build / each["file"]).resolve() for each in commands}
    if not named:
        return sorted(file for file in compiled if ROOT in file.parents)
    files = sorted(name.resolve() for name in named)
    for file in files:
        if not file.exists():
            sys.exit(f"tidy: there is no {file}")
        if file not in compiled and file.suffix != ".h":
            sys.exit(f"tidy: {file} is not compiled in {build}")
    return files


def look_at(build, file):
    begin = time.monotonic()
    name = file.relative_to(ROOT).as_posix()
    ended = subprocess.run(
        ["clang-tidy-19", "-p", build, "--quiet", file],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True)
    outcome = PASSED if ended.returncode == 0 else FAILED
    return Outcome(f"tidy/{name}", outcome, ended.stdout), (
        time.monotonic() - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--results", required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("files", nargs="*", type=pathlib.Path, metavar="FILE")
    arguments = parser.parse_intermixed_args()
    build = arguments.build.resolve()

    report = Report(arguments.results, "check")
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for outcome, seconds in pool.map(
                lambda file: look_at(build, file),
                sources(build, arguments.files)):
            report.add(outcome.test, [outcome], seconds)


if __name__ == "__main__":
    sys.exit(main())
