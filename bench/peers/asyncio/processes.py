"""asyncio as a process that is asked: see bench/net/servers.py and
bench/fs/files.py.

    processes.py [--uvloop] echo WORKERS [TIMEOUT]
    processes.py read FILE CONCURRENCY
    processes.py write FOLDER CONCURRENCY

With --uvloop its loop is that of uvloop, which is libuv's. Servers are streams,
as its documentation has them, and not the protocols below them, which are
called and do not wait. Files are read and written on its pool of threads.

SPDX-License-Identifier: MIT
"""

import asyncio
import os
import sys

ECHO_BUFFER = 20 * 1024
BACKLOG = 4096
BLOCK = 4096
READ_BLOCKS = 1 << 18
WRITE_BLOCKS = 1 << 8
PRIME = 2_654_435_761


# --- Echo. It sends without delay by itself. ---

async def attend(reader, writer):
    while data := await reader.read(ECHO_BUFFER):
        writer.write(data)
        await writer.drain()
    writer.close()


async def attend_for(timeout, reader, writer):
    while True:
        async with asyncio.timeout(timeout):
            data = await reader.read(ECHO_BUFFER)
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.close()


async def serve(timeout):
    async def attend_with_timeout(reader, writer):
        await attend_for(timeout, reader, writer)

    server = await asyncio.start_server(
        attend_with_timeout if timeout else attend, "127.0.0.1", 0,
        backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# --- Files. ---

async def read_often(file, first, count):
    for i in range(first, first + count):
        await asyncio.to_thread(os.pread, file, BLOCK,
                                i * PRIME % READ_BLOCKS * BLOCK)


def write_and_sync(file, block, place):
    os.pwrite(file, block, place)
    os.fdatasync(file)


async def write_often(file, count):
    block = b"w" * BLOCK
    for i in range(count):
        await asyncio.to_thread(write_and_sync, file, block,
                                i % WRITE_BLOCKS * BLOCK)


async def work(concurrency, task):
    """Does what it is told by the input: each share of it in a task."""
    print("ready", flush=True)
    for line in sys.stdin:
        share = int(line) // concurrency
        await asyncio.gather(*(task(worker, share)
                               for worker in range(concurrency)))
        print("done", flush=True)


async def read(path, concurrency):
    file = os.open(path, os.O_RDONLY)
    await work(concurrency, lambda worker, share: read_often(
        file, worker * share, share))


async def write(folder, concurrency):
    files = [os.open(f"{folder}/{number}", os.O_WRONLY)
             for number in range(concurrency)]
    await work(concurrency, lambda worker, share: write_often(
        files[worker], share))


def main():
    arguments = sys.argv[1:]
    if arguments[0] == "--uvloop":
        import uvloop
        uvloop.install()
        arguments = arguments[1:]
    what, *arguments = arguments
    if what == "echo":
        asyncio.run(serve(int(arguments[1]) if len(arguments) > 1 else 0))
    else:
        asyncio.run({"read": read, "write": write}[what](
            arguments[0], int(arguments[1])))


if __name__ == "__main__":
    main()
