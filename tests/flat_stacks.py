#!/usr/bin/env python3
"""Checks that coroutines need a constant stack in every kind of build.

    tests/flat_stacks.py [--jobs N] [--build FOLDER] [--results FILE]
                         [--tsan-abseil FOLDER] [--only REGEX]

Whether one coroutine hands its thread to the next by a jump, or by a call that
uses up stack, is the compiler's business, and differs with its optimisation
and its sanitizers (runtime/internal/stack_guard.h). So the tests of
tests/runtime/task_test.cc that would overflow a stack are built and run in
ten forms:

    g++      -O0, -O0 without jumps, -O1, -O2, address, thread sanitizer
    clang++  -O0, -O2, address, thread sanitizer

g++ jumps where runtime/meson.build asks it to; without jumps it is the stack
guard that keeps the stack flat.

Each form is three compiler runs and no build system: all of reactor/ in one
translation unit, all of runtime/ in another, and the test. One line a form is
printed, and the exit status is 1 if a form fails.

--results appends one line of JSON for each form.
--tsan-abseil names an Abseil that was built by clang with the thread sanitizer
(tests/support/sanitized_abseil.sh). Without it the system's is used, which
does for these tests: they start no thread.

SPDX-License-Identifier: MIT
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = [
    "TaskTest.AMillionAwaitsInALoopDoNotGrowTheStack",
    "TaskTest.AMillionNestedAwaitsDoNotGrowTheStack",
    "TaskTest.DestroyingAMillionSuspendedNestedTasksDoesNotGrowTheStack",
    "TaskTest.AnErrorReturnsThroughAMillionCallersOnAFlatStack",
]
# The usual limit, whatever the caller's is: a stack that grows by one small
# frame for each of a million awaits does not fit.
STACK_BYTES = 8 * 1024 * 1024
PATIENCE_SECONDS = 120

# As meson.build has them.
PACKAGES = ["absl_any_invocable", "absl_core_headers", "absl_flat_hash_map",
            "absl_function_ref", "absl_hash", "absl_inlined_vector",
            "absl_raw_logging_internal", "absl_status", "absl_statusor",
            "absl_str_format", "absl_strings", "absl_time"]
TEST_PACKAGES = ["gtest_main", "gmock", "gtest"]
# What meson.build chooses by the system.
CHOSEN_FOR_LINUX = {"poller": "epoll", "file_changes": "linux",
                    "system": "linux"}
COMMON = ["-std=c++20", "-g1", "-pthread", "-Wall"]


@dataclasses.dataclass
class Form:
    """One way to build."""
    compiler: str  # As the name of the form has it.
    command: str
    kind: str
    flags: list

    @property
    def name(self):
        return f"{self.compiler}{self.kind}"


def gxx():
    """The g++ that is here: the oldest supported one, else any, as in dev."""
    return "g++-12" if shutil.which("g++-12") else "g++"


def all_forms():
    # What runtime/meson.build gives g++, and clang needs none of.
    jumps = ["-foptimize-sibling-calls"]
    gcc = {
        "-O0": ["-O0"] + jumps,
        "-O0-without-jumps": ["-O0"],
        "-O1": ["-O1"] + jumps,
        "-O2": ["-O2"] + jumps,
        "-asan": ["-O1", "-fsanitize=address"] + jumps +
                 ["-fno-sanitize-address-use-after-scope"],
        "-tsan": ["-O1", "-fsanitize=thread"] + jumps +
                 ["--param", "tsan-instrument-func-entry-exit=0"],
    }
    clang = {
        "-O0": ["-O0"],
        "-O2": ["-O2"],
        "-asan": ["-O1", "-fsanitize=address"],
        "-tsan": ["-O1", "-fsanitize=thread"],
    }
    return ([Form("g++", gxx(), kind, flags) for kind, flags in gcc.items()]
            + [Form("clang++", "clang++-19", kind, flags)
               for kind, flags in clang.items()])


def packages(what, names, folder=None):
    """The flags that pkg-config gives for `names`."""
    environment = dict(os.environ)
    if folder:
        environment["PKG_CONFIG_PATH"] = f"{folder}/lib/pkgconfig"
    ran = subprocess.run(["pkg-config", what, *names], env=environment,
                         check=True, capture_output=True, text=True)
    # Headers that are not ours may warn as they like.
    return re.sub(r"(^|\s)-I", r"\1-isystem", ran.stdout).split()


def library_sources(layer):
    """The sources that `<layer>/meson.build` lists, for Linux and epoll."""
    listed = re.search(r"static_library\((.*?)\n\)",
                       (ROOT / layer / "meson.build").read_text(),
                       re.DOTALL).group(1)
    for choice, linux in CHOSEN_FOR_LINUX.items():
        listed = listed.replace(f"{choice} + '", f"'{linux}")
    names = re.findall(r"'([\w/]+\.cc)'", listed)
    if not names:
        raise SystemExit(f"no source is listed in {layer}/meson.build")
    return [f"{layer}/{name}" for name in names]


def write_if_changed(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


class Builder:
    """Compiles and runs forms, some at a time."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.folder = pathlib.Path(arguments.build).resolve()
        include = self.folder / "include"
        include.mkdir(parents=True, exist_ok=True)
        if not (include / "weft").exists():
            (include / "weft").symlink_to(ROOT)
        self.inputs = {"task_test": ROOT / "tests/runtime/task_test.cc"}
        for layer in ["reactor", "runtime"]:
            whole = self.folder / f"{layer}.cc"
            write_if_changed(whole, "".join(
                f'#include "weft/{name}"\n'
                for name in library_sources(layer)))
            self.inputs[layer] = whole
        ccache = shutil.which("ccache")
        self.launcher = [ccache] if ccache else []
        self.print_lock = threading.Lock()

    def abseil_folder(self, form):
        is_clang_tsan = form.compiler == "clang++" and form.kind == "-tsan"
        return self.arguments.tsan_abseil if is_clang_tsan else None

    def compile(self, form, name):
        output = self.folder / form.name / f"{name}.o"
        output.parent.mkdir(exist_ok=True)
        command = (self.launcher + [form.command] + COMMON + form.flags
                   + [f"-I{self.folder / 'include'}"]
                   + packages("--cflags", PACKAGES, self.abseil_folder(form))
                   + packages("--cflags", TEST_PACKAGES)
                   + ["-c", str(self.inputs[name]), "-o", str(output)])
        ran = subprocess.run(command, capture_output=True, text=True,
                             check=False)
        return None if ran.returncode == 0 else ran.stderr.strip()

    def link_and_run(self, form):
        """What went wrong, or None."""
        folder = self.folder / form.name
        program = folder / "task_test"
        link = ([form.command, "-pthread"] + form.flags
                + [str(folder / f"{name}.o")
                   for name in ["task_test", "runtime", "reactor"]]
                + ["-o", str(program)]
                + packages("--libs", TEST_PACKAGES)
                + packages("--libs", PACKAGES, self.abseil_folder(form)))
        ran = subprocess.run(link, capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            return f"does not link: {ran.stderr.strip()}"
        return self.run(program)

    def run(self, program):
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith("GTEST_")}
        failed = []
        # One process a test: an overflow takes the others' answers away.
        for test in TESTS:
            try:
                ran = subprocess.run(
                    [str(program), f"--gtest_filter={test}"], env=environment,
                    capture_output=True, text=True, errors="replace",
                    timeout=PATIENCE_SECONDS, check=False,
                    preexec_fn=lambda: resource.setrlimit(
                        resource.RLIMIT_STACK, (STACK_BYTES, STACK_BYTES)))
            except subprocess.TimeoutExpired:
                failed.append(f"{test}: not over after {PATIENCE_SECONDS} s")
                continue
            if ran.returncode != 0:
                last_words = (ran.stdout + ran.stderr)[-2000:].strip()
                failed.append(f"{test}: exit status {ran.returncode}\n"
                              f"{last_words}")
            elif "[  PASSED  ] 1 test" not in ran.stdout:
                failed.append(f"{test}: there is no such test")
        return "\n".join(failed) or None

    def report(self, form, failure, seconds):
        with self.print_lock:
            outcome = "ok" if failure is None else "FAILED"
            print(f"flat_stacks/{form.name} {outcome}", flush=True)
            if failure is not None:
                print(failure, file=sys.stderr, flush=True)
            if self.arguments.results:
                line = {"configuration": "flat_stacks", "test": form.name,
                        "outcome": "passed" if failure is None else "failed",
                        "detail": failure or f"{seconds:.1f} s"}
                with open(self.arguments.results, "a",
                          encoding="utf-8") as results:
                    results.write(json.dumps(line) + "\n")

    def check(self, forms):
        """Whether every form passes."""
        with concurrent.futures.ThreadPoolExecutor(
                self.arguments.jobs) as workers:
            begun = time.monotonic()
            compiles = {form.name: [workers.submit(self.compile, form, name)
                                    for name in self.inputs]
                        for form in forms}

            # Submitted last, so every compile it waits for is under way or
            # done when a worker takes it: no deadlock.
            def finish(form):
                failures = [each.result() for each in compiles[form.name]]
                failures = [each for each in failures if each is not None]
                failure = ("does not compile:\n" + "\n".join(failures)
                           if failures else self.link_and_run(form))
                self.report(form, failure, time.monotonic() - begun)
                return failure is None

            return all([each.result() for each in
                        [workers.submit(finish, form) for form in forms]])


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--build", default=str(ROOT / "build/flat_stacks"))
    parser.add_argument("--results", help="a file to append JSON lines to")
    parser.add_argument("--tsan-abseil",
                        help="the prefix of an Abseil with thread sanitizer")
    parser.add_argument("--only", default="", metavar="REGEX",
                        help="only the forms whose name it matches")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    forms = [form for form in all_forms()
             if re.search(arguments.only, form.name)]
    if not forms:
        print(f"no form is named like {arguments.only}", file=sys.stderr)
        return 1
    return 0 if Builder(arguments).check(forms) else 1


if __name__ == "__main__":
    sys.exit(main())
