"""What webhooks call, in a process of its own: `python -m bench.speed.target PORT FILE`.

`/SECONDS/NAME` notes NAME and the moment of its arrival (seconds since 1970) in the file, waits, and answers.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

from aiohttp import web


def application(path: str) -> web.Application:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    async def answer(request: web.Request) -> web.Response:
        os.write(descriptor, f"{request.match_info['name']} {time.time()!r}\n".encode())
        await asyncio.sleep(float(request.match_info["seconds"]))
        return web.Response(text="ok")

    made = web.Application()
    made.router.add_route("*", "/{seconds}/{name}", answer)
    return made


if __name__ == "__main__":
    web.run_app(
        application(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        backlog=4096,
        print=None,
        access_log=None,
    )
