"""What it costs asyncio to receive from whichever of many queues has something.

The rows are those that ../go/selects.go defines. What asyncio has for it is a
task for each queue and a wait for the first of them to end. It may find several
that have ended, and they are taken all: one is a number received, then, and the
queues with nothing keep their tasks from wait to wait.

SPDX-License-Identifier: MIT
"""

import asyncio

CAPACITY = 1024
SELECTS = 65_536
ROUND_TRIPS = 10_000


class Select:
    def __init__(self, queues):
        self.queue_of = {}
        for queue in queues:
            self.wait_for(queue)

    def wait_for(self, queue):
        self.queue_of[asyncio.create_task(queue.get())] = queue

    async def receive(self):
        """What has come, from one queue or more."""
        ended, _ = await asyncio.wait(
            self.queue_of, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            self.wait_for(self.queue_of.pop(task))
        return [task.result() for task in ended]

    def close(self):
        for task in self.queue_of:
            task.cancel()


def fill(queues):
    for queue in queues:
        for number in range(CAPACITY):
            queue.put_nowait(number)


async def select_what_is_ready(count):
    queues = [asyncio.Queue(CAPACITY) for _ in range(count)]
    select = Select(queues)
    total = 0
    for _ in range(SELECTS // (count * CAPACITY)):
        fill(queues)
        left = count * CAPACITY
        while left:
            numbers = await select.receive()
            left -= len(numbers)
            total += sum(numbers)
    select.close()
    assert total == SELECTS * (CAPACITY - 1) // 2, "a number was lost"


async def give_back(queues, returns):
    select = Select(queues)
    for _ in range(ROUND_TRIPS):
        [number] = await select.receive()
        await returns.put(number)
    select.close()


async def select_what_comes(count):
    mine = [asyncio.Queue(1) for _ in range(count)]
    theirs = [asyncio.Queue(1) for _ in range(count)]
    other = asyncio.create_task(give_back(theirs, mine[-1]))
    select = Select(mine)
    for number in range(ROUND_TRIPS):
        await theirs[-1].put(number)
        [returned] = await select.receive()
        assert returned == number, "another number came back"
    select.close()
    await other


QUESTIONS = {}
for arms in (2, 8, 64):
    QUESTIONS[f"sync/select{arms}_ready/asyncio/1"] = (
        lambda arms=arms: select_what_is_ready(arms), SELECTS)
    QUESTIONS[f"sync/select{arms}_parked/asyncio/1"] = (
        lambda arms=arms: select_what_comes(arms), ROUND_TRIPS)
