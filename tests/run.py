"""Runs the tests of a build folder and counts every one of them.

    run.py tests CONFIGURATION BUILD    runs what meson lists there
    run.py note CONFIGURATION TEST OUTCOME    adds what something else found
    run.py total RESULTS                      the summary

Outcomes are lines of JSON in one results file. A test is called
LAYER/Suite.Test; a test of meson's that is no gtest program is called
SUITE/NAME. A program that crashes costs the test that was running: it has
failed, and the tests after it are run by themselves. A program that hangs
costs all the tests that it did not get to.

SPDX-License-Identifier: MIT
"""

import argparse
import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
NEXT_STEP = re.compile(
    r"\[(?: RUN      |       OK |  FAILED  |  SKIPPED )\] "
    r"(\w+(?:/\w+)*\.\w+(?:/\w+)*)")
STRICT = {  # A finding ends the program, so that no finding is passed over.
    "ASAN_OPTIONS": "halt_on_error=1:check_initialization_order=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}

Outcome = collections.namedtuple("Outcome", "test outcome detail")


# --- One process, with a time limit. ---

class Finished(collections.namedtuple("Finished", "status output timed_out")):
    """How a process ended, and all that it wrote."""

    def how(self):
        if self.timed_out:
            return "it did not end in time and was stopped"
        if self.status < 0:
            return f"it was ended by {signal.Signals(-self.status).name}"
        return f"it ended with exit status {self.status}"


def stacks_of(process):
    """Where the threads of a process are, when there is a debugger."""
    if not shutil.which("gdb"):
        return ""
    command = ["gdb", "-batch", "-p", str(process.pid),
               "-ex", "thread apply all backtrace 30"]
    try:
        told = subprocess.run(command, capture_output=True, text=True,
                              errors="replace", timeout=120)
        return "\n--- where it was ---\n" + told.stdout
    except subprocess.TimeoutExpired:
        return ""


def run(command, limit, environment=None, folder=None):
    """Runs a command to its end, or to that of its time and its children's."""
    with tempfile.TemporaryFile() as written:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=written,
                stderr=subprocess.STDOUT, cwd=folder, start_new_session=True,
                env={**STRICT, **os.environ, **(environment or {})})
        except OSError as refused:
            return Finished(127, str(refused), False)
        stacks, timed_out = "", False
        try:
            process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            timed_out = True
            stacks = stacks_of(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        written.seek(0)
        output = written.read().decode(errors="replace")
        return Finished(process.returncode, output + stacks, timed_out)


# --- A gtest program: many tests in one process. ---

def listed(output):
    """The names in what --gtest_list_tests printed."""
    names, suite = [], ""
    for line in output.splitlines():
        name = line.split("#")[0].strip()
        if re.fullmatch(r"\S+\.", name) and not line.startswith(" "):
            suite = name
        elif suite and name and line.startswith("  "):
            names.append(suite + name)
    return [name for name in names if "DISABLED_" not in name]


def ended(output):
    """Each test that ended in `output`, how, and what it wrote meanwhile;
    and the one that was running when the output stopped, or None."""
    outcomes, running, begin = {}, None, 0
    for step in NEXT_STEP.finditer(output):
        name, kind = step.group(1), step.group(0)[1:11].strip()
        if kind == "RUN":
            running, begin = name, step.start()
        elif name == running:
            outcome = {"OK": PASSED, "FAILED": FAILED, "SKIPPED": SKIPPED}[kind]
            outcomes[name] = (outcome, output[begin:step.end()])
            running, begin = None, step.end()
    return outcomes, running, output[begin:]


def gtest_outcomes(test, wanted):
    """Runs a gtest program until each test that `wanted` names has a fate."""
    layer = test["name"]
    listing = run(test["cmd"] + ["--gtest_list_tests"], test["timeout"],
                  test["env"], test["workdir"])
    if listing.status != 0 or listing.timed_out:
        yield Outcome(f"{layer}/list", FAILED,
                      f"asked for its tests, {listing.how()}\n{listing.output}")
        return
    left = [name for name in listed(listing.output)
            if wanted(f"{layer}/{name}")]
    while left:
        # A file, because a command line has room for some thousand names only.
        with tempfile.NamedTemporaryFile("w") as flags:
            flags.write("--gtest_filter=" + ":".join(left))
            flags.flush()
            finished = run(test["cmd"] + [f"--gtest_flagfile={flags.name}"],
                           test["timeout"], test["env"], test["workdir"])
        outcomes, running, rest = ended(finished.output)
        if running:
            outcomes[running] = (FAILED, f"{rest}\n{finished.how()}")
        for name, (outcome, detail) in outcomes.items():
            yield Outcome(f"{layer}/{name}", outcome, detail)
        failed = any(outcome == FAILED for outcome, _ in outcomes.values())
        if not running and (finished.timed_out or
                            (finished.status != 0 and not failed)):
            # No test's fault, or none that can be told: leaks show at the end.
            yield Outcome(f"{layer}/as_a_whole", FAILED,
                          f"{rest}\n{finished.how()}")
        before, left = left, [name for name in left if name not in outcomes]
        if left and (finished.timed_out or len(left) == len(before)):
            for name in left:
                yield Outcome(f"{layer}/{name}", FAILED,
                              f"not run: its program {finished.how()[3:]}")
            return


# --- Any other test of meson's: one process, one outcome. ---

def plain_outcome(test, name):
    finished = run(test["cmd"], test["timeout"], test["env"], test["workdir"])
    if finished.timed_out or finished.status not in (0, 77):
        return Outcome(name, FAILED, f"{finished.output}\n{finished.how()}")
    return Outcome(name, PASSED if finished.status == 0 else SKIPPED,
                   finished.output)


# --- The commands. ---

def append(results, configuration, outcome):
    with open(results, "a") as file:
        file.write(json.dumps({"configuration": configuration,
                               **outcome._asdict()}) + "\n")


def count(outcomes):
    """`3 passed`, or `3 passed, 1 failed`: what there is none of is not said,
    but that some passed."""
    counts = collections.Counter(each.outcome for each in outcomes)
    said = [f"{counts[PASSED]} passed"]
    said += [f"{counts[each]} {each}" for each in (FAILED, SKIPPED)
             if counts[each]]
    return ", ".join(said)


class Report:
    """Prints and keeps the outcomes of several programs, one after another."""

    def __init__(self, results, configuration):
        self._results, self._configuration = results, configuration
        self._lock = threading.Lock()

    def add(self, name, outcomes, seconds):
        with self._lock:
            for each in outcomes:
                append(self._results, self._configuration, each)
                if each.outcome == FAILED:
                    print(f"\n--- {self._configuration}: {each.test} failed\n"
                          f"{each.detail.strip()}\n---\n")
            print(f"  {name:<28} {count(outcomes)} ({seconds:.1f} s)",
                  flush=True)


def suites_of(test):
    return [suite.split(":", 1)[-1] for suite in test["suite"]]


def run_tests(arguments):
    """Runs the tests of a build folder, several programs at a time."""
    asked = subprocess.run(["meson", "introspect", "--tests", arguments.build],
                           check=True, capture_output=True, text=True)
    tests = [test for test in json.loads(asked.stdout)
             if not set(suites_of(test)) & set(arguments.no_suite)
             and (not arguments.suite or arguments.suite in suites_of(test))]
    if not tests:
        sys.exit(f"{arguments.build} has no test in what was asked for")
    only = re.compile(arguments.only)
    report = Report(arguments.results, arguments.configuration)

    def one(test):
        begin = time.monotonic()
        test["timeout"] *= arguments.patience
        if test["protocol"] == "gtest":
            name = test["name"]
            outcomes = list(gtest_outcomes(test, only.search))
        else:
            name = f"{suites_of(test)[0]}/{test['name']}"
            if not only.search(name):
                return
            outcomes = [plain_outcome(test, name)]
        if outcomes:
            report.add(name, outcomes, time.monotonic() - begin)

    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for done in [pool.submit(one, test) for test in tests]:
            done.result()


def note(arguments):
    """Adds one outcome that something else found."""
    outcome = Outcome(arguments.test, arguments.outcome, arguments.detail)
    append(arguments.results, arguments.configuration, outcome)
    print(f"  {outcome.test:<28} {outcome.outcome}"
          + (f": {outcome.detail}" if outcome.detail else ""), flush=True)


def total(arguments):
    """Prints the summary. Its last line is the one that machines read."""
    by_configuration = collections.defaultdict(list)
    for line in open(arguments.results):
        fields = json.loads(line)
        by_configuration[fields.pop("configuration")].append(Outcome(**fields))
    everything = sum(by_configuration.values(), [])
    print()
    for configuration, outcomes in by_configuration.items():
        print(f"{configuration:<12} {count(outcomes)}")
    for kind in (SKIPPED, FAILED):
        for configuration, outcomes in by_configuration.items():
            for each in outcomes:
                if each.outcome == kind:
                    print(f"{kind}: {configuration}: {each.test}")
    counts = collections.Counter(each.outcome for each in everything)
    line = f"{counts[PASSED]} passed, {counts[FAILED]} failed"
    if counts[SKIPPED]:
        line += f", {counts[SKIPPED]} skipped"
    print(line)
    return 1 if counts[FAILED] or not everything else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("tests", help=run_tests.__doc__)
    command.add_argument("configuration")
    command.add_argument("build", type=pathlib.Path)
    command.add_argument("--results", required=True)
    command.add_argument("--only", default="", metavar="REGEX")
    command.add_argument("--suite", default="",
                         help="the only one, so that the others' programs "
                              "need not be built")
    command.add_argument("--no-suite", action="append", default=[])
    command.add_argument("--jobs", type=int, default=2)
    command.add_argument("--patience", type=float, default=1,
                         help="how much slower than usual it may all be")
    command.set_defaults(run=run_tests)

    command = commands.add_parser("note", help=note.__doc__)
    command.add_argument("configuration")
    command.add_argument("test")
    command.add_argument("outcome", choices=[PASSED, FAILED, SKIPPED])
    command.add_argument("detail", nargs="?", default="")
    command.add_argument("--results", required=True)
    command.set_defaults(run=note)

    command = commands.add_parser("total", help=total.__doc__)
    command.add_argument("results")
    command.set_defaults(run=total)

    arguments = parser.parse_args()
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
