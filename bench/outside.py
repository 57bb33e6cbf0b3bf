"""The stand-ins in a process of their own: `python -m bench.outside --size 1000`; its first line is JSON."""

import argparse
import asyncio
import json
import signal
import sys

from sandbox.providers import catalogue
from sandbox.world import Plan, open_sandbox


async def run(size: int) -> None:
    """Serve until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    # Slack's own rate limits are off: what is measured is our time, and a round begins when the last one is over.
    async with open_sandbox(Plan(size=size, rates=False)) as sandbox:
        found = {
            "slack": sandbox.slack.url,
            "shopify": sandbox.shopify_url,
            "quickbooks": sandbox.quickbooks_url,
            "shop": catalogue.SHOP,
            "environment": sandbox.environment(),
            "credentials": sandbox.credentials(),
        }
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=200, help="orders and invoices")
    asyncio.run(run(parser.parse_args().size))
