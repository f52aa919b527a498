"""Programs that run beside a test: our examples, and those they are tried with.

    with Example("echo", "127.0.0.1:0") as echo:
        with Program("nc.openbsd", "-N", *echo.host_and_port) as nc:
            nc.say("hello\\n")
            self.assertEqual("hello\\n", nc.output.line())

A test waits for what a program writes, or for its end, and for no time: what
would take longer than LIMIT has failed. A program that is not installed skips
the test that wants it, and the file then ends as one that was skipped.

SPDX-License-Identifier: MIT
"""

import contextlib
import hashlib
import os
import pathlib
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

LIMIT = 60  # Seconds; far more than anything here takes.
NC = "nc.openbsd"  # Others of the name know neither -N nor -U.


def wait_until_ready(descriptor, direction, limit=LIMIT):
    """Whether it was ready for "read" or "write" within so many seconds."""
    reads = [descriptor] if direction == "read" else []
    writes = [descriptor] if direction == "write" else []
    return any(select.select(reads, writes, [], limit))


class Output:
    """What a program writes, as far as a test has asked for it."""

    def __init__(self, name, pipe):
        self._name, self.pipe, self._unread = name, pipe, b""

    def _more(self):
        if not wait_until_ready(self.pipe, "read"):
            raise AssertionError(f"{self._name} says nothing more; before that "
                                 f"it said {self._unread[-2000:]!r}")
        return os.read(self.pipe.fileno(), 1 << 16)

    def line(self):
        """The next line with its end; what is left where there is none."""
        while b"\n" not in self._unread:
            more = self._more()
            if not more:
                break
            self._unread += more
        line, end, self._unread = self._unread.partition(b"\n")
        return (line + end).decode()

    def skip_to(self, text):
        """The first line that `text` is in, and what came before it goes."""
        while True:
            line = self.line()
            if text in line:
                return line
            if not line:
                raise AssertionError(f"{self._name} ended without {text!r}")

    def rest(self):
        """All until it ends or closes its output."""
        while more := self._more():
            self._unread += more
        rest, self._unread = self._unread, b""
        return rest.decode()


class Program:
    """One that is running. At the end of its `with` it is killed, or was."""

    def __init__(self, name, *arguments, **streams):
        if not shutil.which(name):
            raise unittest.SkipTest(f"there is no {name} here")
        streams = dict.fromkeys(("stdin", "stdout", "stderr"),
                                subprocess.PIPE) | streams
        self._name = pathlib.Path(name).name
        self._process = subprocess.Popen(
            [name, *map(str, arguments)], bufsize=0, **streams)
        self.output = Output(self._name, self._process.stdout)
        self.errors = Output(self._name, self._process.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout,
                       self._process.stderr):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def say(self, text):
        self._process.stdin.write(text.encode())

    def end_input(self):
        self._process.stdin.close()

    def flood(self, most):
        """Writes until it has taken `most` bytes, or, as it seems, will take no
        more: how many it took. One that is only slow is taken for one that is
        full, which no test fails by."""
        pipe, piece, written = self._process.stdin, bytes(1 << 16), 0
        os.set_blocking(pipe.fileno(), False)
        while written < most and wait_until_ready(pipe, "write", limit=1):
            written += pipe.write(piece) or 0
        return written

    def interrupt(self):
        """As Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def ended(self):
        """Waits for its end: the exit code, or minus the signal."""
        try:
            return self._process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self._name} does not end") from None

    def peak_memory(self):
        """The most it ever had in memory, in bytes."""
        status = pathlib.Path(f"/proc/{self._process.pid}/status")
        if not status.exists():
            raise unittest.SkipTest("there is no /proc here")
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) << 10


class Example(Program):
    """One of ours that serves, and says where."""

    def __init__(self, name, *arguments):
        super().__init__(example(name), *arguments)
        said = self.errors.line()
        found = re.fullmatch(r"listening on (\S+):(\d+)\n", said)
        if not found:
            self.stop()
            raise AssertionError(f"{name} says {said!r}, and not where it is")
        self.host_and_port = host, port = found[1].strip("[]"), found[2]
        self.address = f"{host}:{port}"


def example(name):
    return str(pathlib.Path(EXAMPLES, name))


def noise(path, size):
    """Writes a file that is like no other part of itself; its hash."""
    path.write_bytes(random.Random(size).randbytes(size))
    return hash_of(path)


def comes_back(size, *command):
    """Whether what goes into a program comes out of it again, all of it."""
    with tempfile.TemporaryDirectory() as folder:
        sent, got = (pathlib.Path(folder, name) for name in ("sent", "got"))
        expected = noise(sent, size)
        with sent.open("rb") as source, got.open("wb") as sink, \
                Program(*command, stdin=source, stdout=sink) as program:
            return program.ended() == 0 and hash_of(got) == expected


def hash_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main():
    """What every file of tests ends with: FILE FOLDER-OF-THE-EXAMPLES."""
    global EXAMPLES
    EXAMPLES = sys.argv.pop(1)
    ran = unittest.main(exit=False, verbosity=2).result
    if not ran.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if ran.skipped else 0)  # As meson and tests/run.py have it.
