"""Asks programs that read and write files: how long does an operation take?

    fs/read_cached_4k/I/CONCURRENCY   4 KiB of a GiB that is in the page cache,
                                      at places that jump about
    fs/write_sync_4k/I/CONCURRENCY    4 KiB over what is there, and fdatasync; a
                                      file for each that writes

CONCURRENCY is how many do so at a time, 1 and 16. Times are of one operation;
the processor time is that of all threads. No process is bound to a processor.

A program is called `PROGRAM read FILE CONCURRENCY`, or `write FOLDER
CONCURRENCY`, prints "ready", does as many operations as a line says, and prints
"done". It is told a number that takes long enough: how many that is, a small
one before has shown. The files are made here, in the build's folder, since the
system's folder for temporary files may be memory.

SPDX-License-Identifier: MIT
"""

import functools
import os
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import passes  # noqa: E402: it is found by the line above.
from process import Process  # noqa: E402

MIB = 1 << 20
CONCURRENCIES = [1, 16]
ROWS = {"read": "read_cached_4k", "write": "write_sync_4k"}
LONG = (0.1, 0.6)  # Seconds; quickly, and otherwise.
FEW = {"read": 1600, "write": 160}  # Operations by which to guess the others.
CAN = {"read", "write"}
# The floor on io_uring: docs/decisions/0017.
URING = {"uring": (["bench/fs/floor/uring_file_floor"], CAN)}


class Folder:
    """What is read, and what is written; made when it is wanted first."""

    def __init__(self, build):
        self.build = build
        self.made = None

    @property
    def path(self):
        if not self.made:
            self.made = tempfile.TemporaryDirectory(dir=self.build)
            write(self.of("read"), 1024)
            self.of("write").mkdir()
            for number in range(max(CONCURRENCIES)):
                write(self.of("write") / str(number), 1)
        return pathlib.Path(self.made.name)

    def of(self, what):
        return pathlib.Path(self.made.name, what)

    def argument(self, what):
        return self.path / what


def write(path, mebibytes):
    """Stored, too: what the system still had to write would disturb."""
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(b"w" * MIB)
        file.flush()
        os.fsync(file.fileno())


def timed(process, count):
    begin = time.monotonic_ns()
    process.ask(count)
    return time.monotonic_ns() - begin


def ask(program, quick, what, concurrency, folder):
    with Process([*program.command, what, folder.argument(what),
                  concurrency]) as process:
        process.hear()
        guessed = timed(process, FEW[what]) / FEW[what]
        count = max(int(LONG[not quick] * 1e9 / guessed), FEW[what])
        count -= count % concurrency
        before = process.usage()
        real = timed(process, count)
        used = process.usage() - before
    return passes.Sample(real / count, used.cpu / count, {
        "user_ns": used.user / count,
        "vol_switches_per_operation": used.switches / count})


def questions_of(folder, implementations):
    for what, row in ROWS.items():
        for concurrency in CONCURRENCIES:
            for each in implementations:
                if what in each.can:
                    yield passes.Question(
                        f"fs/{row}/{each.name}/{concurrency}", each,
                        functools.partial(ask, each, what=what, folder=folder,
                                          concurrency=concurrency))


def main():
    folder = Folder(pathlib.Path(sys.argv[1]))
    passes.main(__doc__.splitlines()[0], "bench/fs/file_work",
                "bench/fs/floor/file_floor", CAN,
                functools.partial(questions_of, folder), URING)


if __name__ == "__main__":
    main()
