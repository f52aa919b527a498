"""The questions of bench/, asked of asyncio; and a writer of Google Benchmark's
JSON, a line for each repetition.

A batch is smaller than ours, for a batch of a million would take seconds: what
is told is the time of one item in any case. Only where a million at once is the
question there are a million.

SPDX-License-Identifier: MIT
"""

import argparse
import asyncio
import gc
import json
import pathlib
import resource
import time

import selects
import sync

ITEMS = 100_000
MANY = 1_000_000
WAITING = 100_000


# --- runtime/ ---

async def yield_often(turns):
    for _ in range(turns):
        await asyncio.sleep(0)


async def yield_to_each_other(tasks):
    await asyncio.gather(*(yield_often(ITEMS // tasks) for _ in range(tasks)))


async def increment(number):
    return number + 1


async def count():
    number = 0
    while number < ITEMS:
        number = await increment(number)


async def end_at_once():
    pass


async def spawn_join():
    for _ in range(ITEMS):
        await asyncio.create_task(end_at_once())


async def spawn_million():
    tasks = [asyncio.create_task(end_at_once()) for _ in range(MANY)]
    for task in tasks:
        await task


async def answer(mine, theirs):
    for _ in range(ITEMS):
        await mine.wait()
        mine.clear()
        theirs.set()


async def wake_each_other():
    ping, pong = asyncio.Event(), asyncio.Event()
    other = asyncio.create_task(answer(ping, pong))
    for _ in range(ITEMS):
        ping.set()
        await pong.wait()
        pong.clear()
    await other


async def arm_and_cancel():
    """How long it took to arm a million timers, and to cancel them."""
    loop = asyncio.get_running_loop()
    armed = [None] * MANY
    begin = time.perf_counter()
    for i in range(MANY):
        armed[i] = loop.call_later(60 + 3600 * i / MANY, int)
    middle = time.perf_counter()
    for timer in armed:
        timer.cancel()
    return middle - begin, time.perf_counter() - middle


async def arm():
    return (await arm_and_cancel())[0]


async def cancel():
    return (await arm_and_cancel())[1]


def bytes_in_use():
    """What is resident: an interpreter's memory is not all from malloc."""
    gc.collect()
    pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


async def wait_for_the_end(over):
    await over.wait()


async def suspend_many():
    over = asyncio.Event()
    tasks = [None] * WAITING
    before = bytes_in_use()
    for i in range(WAITING):
        tasks[i] = asyncio.create_task(wait_for_the_end(over))
    await asyncio.sleep(0)
    counters["bytes"] = (bytes_in_use() - before) / WAITING
    over.set()
    for task in tasks:
        await task


# --- How they are asked ---

counters = {}
# The row: what one batch does, and how many of what is counted it does. What a
# batch returns, if anything, is what it took.
QUESTIONS = {
    "runtime/yield/asyncio/1/1": (lambda: yield_to_each_other(1), ITEMS),
    "runtime/yield/asyncio/1/2": (lambda: yield_to_each_other(2), ITEMS),
    "runtime/yield/asyncio/1/100": (lambda: yield_to_each_other(100), ITEMS),
    "runtime/await_ready_task/asyncio": (count, ITEMS),
    "runtime/spawn_join/asyncio/1": (spawn_join, ITEMS),
    "runtime/spawn_million/asyncio/1": (spawn_million, MANY),
    "runtime/wake_round_trip/asyncio/1": (wake_each_other, ITEMS),
    "runtime/timer_arm/asyncio": (arm, MANY),
    "runtime/timer_cancel/asyncio": (cancel, MANY),
    "runtime/bytes_per_suspended_task/asyncio": (suspend_many, WAITING),
    **sync.QUESTIONS,
    **selects.QUESTIONS,
}


def once(batch):
    begin = time.perf_counter()
    took = asyncio.run(batch())
    return time.perf_counter() - begin if took is None else took


def repetition(name, index, repetitions, at_least):
    batch, items = QUESTIONS[name]
    before = time.process_time()
    batches, real = 1, once(batch)
    # Memory that is free again is not resident anew.
    while real < at_least and not counters:
        batches, real = batches + 1, real + once(batch)
    items *= batches
    cpu = time.process_time() - before
    return {"name": name, "run_name": name, "run_type": "iteration",
            "repetitions": repetitions, "repetition_index": index,
            "iterations": items, "real_time": real / items * 1e9,
            "cpu_time": cpu / items * 1e9, "time_unit": "ns",
            "items_per_second": items / real, **counters}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("name", nargs="?")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(QUESTIONS))
        return
    repetitions, at_least = (1, 0.02) if arguments.quick else (5, 0.2)
    if "bytes" in arguments.name:
        repetitions = 1
    for index in range(repetitions):
        print(json.dumps(repetition(arguments.name, index, repetitions,
                                    at_least)))


if __name__ == "__main__":
    main()
