"""A stand-in in a process of its own: its first line says where it is and what it holds, as JSON."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp

from sandbox.providers import catalogue
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.serve import serve


async def stand(app: ASGIApp, quickbooks: QuickBooks, truth: dict[str, Any]) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with serve(app) as served:
        found = {
            "url": served.url,
            "realm": catalogue.REALM,
            "environment": quickbooks.environment(served.url),
            "access_token": quickbooks.oauth.grant(catalogue.REALM).access_token,
            "refresh_token": quickbooks.oauth.grant(catalogue.REALM).refresh_token,
            "truth": truth,
        }
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main(run: Callable[[int], Awaitable[None]], described: str | None) -> None:
    """Run it with as many invoices as the command line says."""
    parser = argparse.ArgumentParser(description=described)
    parser.add_argument("--invoices", type=int, default=100_000)

    async def work() -> None:
        await run(parser.parse_args().invoices)

    asyncio.run(work())
