#!/usr/bin/env python3
"""A TCP relay that adds a delay: `relay.py ADDRESS PORT MILLISECONDS` prints its own port and serves until killed.

Each direction is delayed by half the round trip; order and bytes are kept, bandwidth is not limited.
"""

import asyncio
import sys


async def pump(reader, writer, delay):
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()

    async def deliver():
        while (item := await queue.get()) is not None:
            due, data = item
            await asyncio.sleep(max(due - loop.time(), 0))
            writer.write(data)
        writer.close()

    task = asyncio.create_task(deliver())
    try:
        while data := await reader.read(65536):
            queue.put_nowait((loop.time() + delay, data))
    except ConnectionError:
        pass
    queue.put_nowait(None)
    await task


async def main(address, port, milliseconds):
    delay = milliseconds / 2000

    async def serve(reader, writer):
        await asyncio.sleep(2 * delay)  # the TCP handshake
        far_reader, far_writer = await asyncio.open_connection(address, port)
        await asyncio.gather(pump(reader, far_writer, delay), pump(far_reader, writer, delay), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
