"""The questions of bench/sync/, asked of asyncio: its locks, queues and others.

SPDX-License-Identifier: MIT
"""

import asyncio

ITEMS = 100_000
CAPACITY = 1024
IN_A_ROW = 1_000
TASKS = 8
WAITERS = 1_000
ROUNDS = ITEMS // WAITERS


async def together(tasks, body):
    """So many of the same, until all have ended."""
    await asyncio.gather(*(body() for _ in range(tasks)))


# --- Locks ---

async def hold_alone(lock):
    for _ in range(ITEMS):
        async with lock:
            pass


async def hold_and_yield(lock):
    for _ in range(ITEMS // TASKS):
        async with lock:
            await asyncio.sleep(0)


async def hold_beside(lock):
    await together(TASKS, lambda: hold_and_yield(lock))


class Table:
    def __init__(self):
        self.turned = asyncio.Condition()
        self.turn = 0

    async def play(self, mine):
        for _ in range(ITEMS):
            async with self.turned:
                await self.turned.wait_for(lambda: self.turn == mine)
                self.turn = 1 - mine
                self.turned.notify()


async def play_by_condition():
    table = Table()
    other = asyncio.create_task(table.play(1))
    await table.play(0)
    await other


# --- Queues and futures ---

async def send_many(queue, messages):
    for number in range(messages):
        await queue.put(number)


async def receive_many(queue, messages):
    for _ in range(messages):
        await queue.get()


async def pass_messages(pairs):
    queue = asyncio.Queue(CAPACITY)
    each = ITEMS // pairs
    await asyncio.gather(
        *(side(queue, each) for side in (send_many, receive_many)
          for _ in range(pairs)))


async def send_unbounded(queue):
    for number in range(ITEMS):
        queue.put_nowait(number)
        if number % IN_A_ROW == 0:
            await asyncio.sleep(0)


async def pass_unbounded():
    queue = asyncio.Queue()
    await asyncio.gather(send_unbounded(queue), receive_many(queue, ITEMS))


async def give_back(balls, returns):
    for _ in range(ITEMS):
        await returns.put(await balls.get())


async def play_ping_pong():
    balls, returns = asyncio.Queue(1), asyncio.Queue(1)
    opponent = asyncio.create_task(give_back(balls, returns))
    for ball in range(ITEMS):
        await balls.put(ball)
        await returns.get()
    await opponent


async def receive_what_is_there():
    loop = asyncio.get_running_loop()
    for number in range(ITEMS):
        reply = loop.create_future()
        reply.set_result(number)
        await reply


async def answer(requests):
    for number in range(ITEMS):
        reply = await requests.get()
        reply.set_result(number)


async def ask():
    loop = asyncio.get_running_loop()
    requests = asyncio.Queue(1)
    server = asyncio.create_task(answer(requests))
    for _ in range(ITEMS):
        reply = loop.create_future()
        await requests.put(reply)
        await reply
    await server


# --- Events and barriers ---

async def wait_for_what_is_set():
    event = asyncio.Event()
    event.set()
    for _ in range(ITEMS):
        await event.wait()


async def wait_again(events):
    for event in events:
        await event.wait()


async def wake_all():
    events = [asyncio.Event() for _ in range(ROUNDS)]
    tasks = [asyncio.create_task(wait_again(events)) for _ in range(WAITERS)]
    for event in events:
        await asyncio.sleep(0)
        event.set()
    for task in tasks:
        await task


async def arrive(barrier):
    for _ in range(ITEMS // TASKS):
        await barrier.wait()


async def meet():
    barrier = asyncio.Barrier(TASKS)
    await together(TASKS, lambda: arrive(barrier))


# The row and what one batch of ITEMS does.
BATCHES = {
    "mutex_free": lambda: hold_alone(asyncio.Lock()),
    "mutex_contended8": lambda: hold_beside(asyncio.Lock()),
    "semaphore_free": lambda: hold_alone(asyncio.Semaphore(1)),
    "semaphore_contended8": lambda: hold_beside(asyncio.Semaphore(2)),
    "condition_variable_ping_pong": play_by_condition,
    "channel_1_1_1024": lambda: pass_messages(1),
    "channel_4_4_1024": lambda: pass_messages(4),
    "channel_ping_pong": play_ping_pong,
    "unbounded_channel_1_1": pass_unbounded,
    "one_shot_ready": receive_what_is_there,
    "one_shot_reply": ask,
    "event_is_set": wait_for_what_is_set,
    "event_wake_all": wake_all,
}
if hasattr(asyncio, "Barrier"):  # Since Python 3.11.
    BATCHES["barrier8"] = meet
QUESTIONS = {f"sync/{name}/asyncio/1": (batch, ITEMS)
             for name, batch in BATCHES.items()}
