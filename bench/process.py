"""A process that is asked something, and what the system knows about it.

    with Process(["echo_server", "echo", "1"], processors={0}) as server:
        port = server.hear()
        before = server.usage()
        ...
        used = server.usage() - before

It is told lines and answers with lines. All that is read about it comes from
the outside, so it is the same for every language: its processor clock, which
clock_getcpuclockid(3) names and which counts threads that have ended, too; and
proc(5).

SPDX-License-Identifier: MIT
"""

import contextlib
import dataclasses
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import time

PATIENCE = 60  # Seconds until a line that does not come is a failure.
# The clocks of a process: what it used of processors, to the nanosecond; and
# user time, and user and system time, as the system's ticks have sampled them.
EXACT, SAMPLED_USER, SAMPLED = 2, 1, 0


class Failed(Exception):
    """Why there is no number."""


@dataclasses.dataclass
class Usage:
    """Of all threads: nanoseconds, and how often they went to sleep."""

    cpu: int
    sampled: int
    sampled_user: int
    switches: int

    def __sub__(self, before):
        return Usage(*(getattr(self, field.name) - getattr(before, field.name)
                       for field in dataclasses.fields(Usage)))

    @property
    def user(self):
        """The part of `cpu` that was the program's own. Ticks are some
        milliseconds long: of a short time it is a rough guess."""
        return self.cpu * self.sampled_user / (self.sampled or 1)


class Process:
    """Ends with the block that made it."""

    def __init__(self, command, processors=None):
        self.command = [str(each) for each in command]
        self.unheard = b""
        self.child = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            preexec_fn=lambda: processors and os.sched_setaffinity(
                0, processors))
        self.pid = self.child.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.terminate()
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()

    def hear(self):
        """The next line that it prints."""
        until = time.monotonic() + PATIENCE
        while b"\n" not in self.unheard:
            left = until - time.monotonic()
            ready, _, _ = select.select([self.child.stdout], [], [],
                                        max(left, 0))
            said = os.read(self.child.stdout.fileno(), 4096) if ready else b""
            if not said:
                raise Failed(f"{' '.join(self.command)} "
                             f"{'has ended' if ready else 'says nothing'}")
            self.unheard += said
        line, self.unheard = self.unheard.split(b"\n", 1)
        return line.decode().strip()

    def ask(self, line):
        try:
            os.write(self.child.stdin.fileno(), f"{line}\n".encode())
        except BrokenPipeError:
            pass  # Nothing will be heard either, and that is told.
        return self.hear()

    def clock(self, which):
        return time.clock_gettime_ns((~self.pid << 3) | which)

    def usage(self):
        return Usage(self.clock(EXACT), self.clock(SAMPLED),
                     self.clock(SAMPLED_USER), self.switches())

    def proc(self, name):
        return pathlib.Path(f"/proc/{self.pid}/{name}")

    def switches(self):
        """Voluntary ones, of the threads that are there."""
        return sum(int(number_after("voluntary_ctxt_switches:", status))
                   for status in self.proc("task").glob("*/status"))

    def private_bytes(self):
        """What it alone has in memory, and would not be there without it."""
        rollup = self.proc("smaps_rollup")
        return 1024 * int(number_after("Private_Dirty:", rollup))

    def descriptors(self):
        return len(os.listdir(self.proc("fd")))


def number_after(word, file):
    """The number behind a word that begins a line."""
    for line in file.read_text().splitlines():
        if line.startswith(word):
            return line.split()[1]
    raise Failed(f"{file} has no {word}")


# --- System calls. ---

@contextlib.contextmanager
def counted_calls(process):
    """A list that has, behind the block, how many system calls all threads of
    `process` made in it; empty where strace is missing or may not look."""
    counted = []
    if not shutil.which("strace"):
        yield counted
        return
    with tempfile.NamedTemporaryFile("r") as table:
        strace = subprocess.Popen(
            ["strace", "-f", "-c", "-o", table.name, "-p", str(process.pid)],
            stderr=subprocess.PIPE, text=True)
        attached = "attached" in strace.stderr.readline()
        try:
            yield counted
        finally:
            # It lets go of the process and then writes its table.
            strace.send_signal(signal.SIGINT)
            strace.communicate()
        if attached:
            counted.append(calls_in(table.read()))


def calls_in(table):
    """The calls in all rows of strace's table:

    % time     seconds  usecs/call     calls    errors syscall
    ------ ----------- ----------- --------- --------- ----------------
     50.21    0.001234           1      1000           sendto
    """
    rows = [line.split() for line in table.splitlines()]
    return sum(int(row[3]) for row in rows
               if len(row) >= 5 and row[0][0].isdigit() and row[-1] != "total")
