"""Asks echo servers: how much of a processor does a request take?

Each server is a process of its own, on one processor, and who asks
(echo_load.cc) another one, on another: so it is the server's processor time
that is told, and not how fast the two of them happen to be together. Where two
workers are asked, all share both processors.

    net/echo/I/CONNECTIONS/BYTES   one request under way on each connection
    net/echo_two_workers/I/64/64   the same, of a server with two threads
    net/echo_one/I                 one connection: here the round trip counts
    net/timeouts/I                 a thousand connections of 64 bytes, where for
                                   each request a timeout is armed and cancelled
    net/accept_close/I             a connection for each request, 64 at a time
    net/idle_bytes/I               memory for each of ten thousand connections
                                   that have been served once and are silent

The processor time of a row is the server's, of one request; the real time is
what passed for all that asked. Counters: `user_ns`, the part of it that is not
the kernel's, sampled; `syscalls_per_request`, under strace, which makes the
server slow and so lets it find more at a time; `p50_us` and `p99_us`, as those
who asked saw it; `vol_switches_per_request`, how often a thread went to sleep.
`bytes_silent` of idle_bytes is before they were served.

A server is called `PROGRAM echo WORKERS [TIMEOUT]`, prints the port that it was
given, and serves until it is told to end. All send without delay, have room for
4096 connections to wait, and for a request and a quarter to be read.

SPDX-License-Identifier: MIT
"""

import contextlib
import functools
import json
import os
import pathlib
import resource
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import passes  # noqa: E402: it is found by the line above.
from process import Failed, Process, counted_calls  # noqa: E402

ECHOES = [(64, 64), (1000, 64), (64, 16384), (1000, 16384)]
IDLE = 10_000
TIMEOUT = 60  # Seconds; none is ever reached.
# Seconds; quickly, and otherwise. The system remembers a connection for a
# minute, and has room for some 100,000: they are not made for long.
WARM = (0.05, 0.15)
LONG = {"ask": (0.1, 0.6), "connect": (0.1, 0.3)}
CAN = {"echo", "two_workers", "timeouts"}
# The floor on io_uring, as its own engine and as a poller only: what
# docs/decisions/0017 is about.
URING = {"uring": (["bench/net/floor/uring_floor"], {"echo"}),
         "uring-poll": (["bench/net/floor/uring_poll_floor"], {"echo"})}
# Ours where the workers share nothing but the port.
PER_CORE = {"weft-per-core": (["bench/net/echo_server", "per_core"],
                              {"two_workers"})}


def processors(workers):
    """Those of the server, and of who asks."""
    all_ = sorted(os.sched_getaffinity(0))
    if workers > 1:
        return set(all_[:2]), set(all_[:2])
    return {all_[0]}, {all_[-1]}


class Servers:
    """How they are asked, with the program that asks."""

    def __init__(self, load):
        self.load = load

    @contextlib.contextmanager
    def asking(self, port, connections, size, workers=1):
        """Who is connected to a server with so many workers."""
        with Process([self.load, "drive", port, connections, size],
                     processors(workers)[1]) as asking:
            asking.hear()
            yield asking

    @contextlib.contextmanager
    def served(self, server, connections, size, workers=1, timeout=()):
        with serving(server, workers, timeout) as (process, port):
            with self.asking(port, connections, size, workers) as asking:
                yield process, asking

    def echo(self, server, quick, connections, size, what="ask", **how):
        with self.served(server, connections, size, **how) as (process, asking):
            asking.ask(f"{what} {WARM[not quick]}")
            before = process.usage()
            told = json.loads(asking.ask(f"{what} {LONG[what][not quick]}"))
            used = process.usage() - before
        return sample(told, used)

    def calls(self, server, connections, size, what="ask", **how):
        with self.served(server, connections, size, **how) as (process, asking):
            asking.ask(f"{what} {WARM[0]}")
            with counted_calls(process) as counted:
                told = json.loads(asking.ask(f"{what} {LONG[what][0]}"))
        return {"syscalls_per_request": calls / told["requests"]
                for calls in counted}

    def one(self, server, quick):
        found = self.echo(server, quick, 1, 64)
        found.counters["round_trips_per_second"] = 1e9 / found.real
        return found

    def timeouts(self, server, quick):
        without = self.echo(server, quick, 1000, 64)
        found = self.echo(server, quick, 1000, 64, timeout=[TIMEOUT])
        found.counters["without_ns"] = without.cpu
        found.counters["extra_ns"] = found.cpu - without.cpu
        return found

    def idle(self, server, _):
        with serving(server) as (process, port):
            # What a first one costs is not counted.
            with self.asking(port, 1, 64) as first:
                first.ask("once")
            private, have = process.private_bytes(), process.descriptors()
            before, begin = process.usage(), time.monotonic_ns()
            with self.asking(port, IDLE, 64) as asking:
                await_descriptors(process, have + IDLE)
                silent = process.private_bytes() - private
                asking.ask("once")
                real = time.monotonic_ns() - begin
                used = process.usage() - before
                served = process.private_bytes() - private
        return passes.Sample(real / IDLE, used.cpu / IDLE, {
            "bytes": served / IDLE, "bytes_silent": silent / IDLE})


@contextlib.contextmanager
def serving(server, workers=1, timeout=()):
    """A server, and its port."""
    with Process([*server.command, "echo", workers, *timeout],
                 processors(workers)[0]) as process:
        yield process, process.hear()


def sample(told, used):
    requests = told["requests"]
    return passes.Sample(
        told["seconds"] * 1e9 / requests, used.cpu / requests,
        {"user_ns": used.user / requests,
         "p50_us": told["p50_us"], "p99_us": told["p99_us"],
         "vol_switches_per_request": used.switches / requests})


def await_descriptors(process, count):
    """Until it has accepted them all. The first one may be gone by then."""
    until = time.monotonic() + 30
    while process.descriptors() < count - 1:
        if time.monotonic() > until:
            raise Failed(f"{process.command[0]} has {process.descriptors()} "
                         f"descriptors, and not {count}")
        time.sleep(0.02)


def questions_of(servers, implementations):
    def rows(question, arguments, needs, ask, count=None, once=False):
        for each in implementations:
            if needs in each.can:
                name = "/".join([f"net/{question}", each.name, *arguments])
                yield passes.Question(
                    name, each, functools.partial(ask, each),
                    functools.partial(count, each) if count else dict, once)

    def echo(question, needs, connections, size, **how):
        return rows(
            question, [str(connections), str(size)], needs,
            functools.partial(servers.echo, connections=connections, size=size,
                              **how),
            functools.partial(servers.calls, connections=connections, size=size,
                              **how))

    for connections, size in ECHOES:
        yield from echo("echo", "echo", connections, size)
    yield from echo("echo_two_workers", "two_workers", 64, 64, workers=2)
    yield from rows("echo_one", [], "echo", servers.one)
    yield from rows("timeouts", [], "timeouts", servers.timeouts)
    yield from rows("accept_close", [], "echo", functools.partial(
        servers.echo, connections=64, size=64, what="connect"))
    yield from rows("idle_bytes", [], "echo", servers.idle, once=True)


def main():
    # Ten thousand connections are as many descriptors on either side.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    build = pathlib.Path(sys.argv[1]) / "bench/net"
    servers = Servers(build / "echo_load")
    passes.main(__doc__.splitlines()[0], "bench/net/echo_server",
                "bench/net/floor/echo_floor", CAN,
                functools.partial(questions_of, servers),
                PER_CORE | URING)


if __name__ == "__main__":
    main()
