"""Runs one provider stand-in in a process of its own: `python -m sandbox.providers quickbooks`."""

import argparse
import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from sandbox.journal import Journal
from sandbox.providers.amazon import Amazon
from sandbox.providers.quickbooks import QuickBooks, Size
from sandbox.providers.serve import serve
from sandbox.providers.shopify import Shopify
from sandbox.providers.shopify.bucket import Bucket
from sandbox.providers.throttle import Throttle
from storage.facts.clock import SystemClock


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; the first line of output says where, as JSON."""
    asyncio.run(_run(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox.providers", description=__doc__)
    parser.add_argument("provider", choices=("quickbooks", "shopify", "amazon"))
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=200, help="invoices or orders")
    parser.add_argument(
        "--invoices-only", action="store_true", help="no bills, payments or journal entries: for benches"
    )
    parser.add_argument("--journal", type=Path, help="append one JSON line per request to this file")
    parser.add_argument("--throttle", action="store_true", help="limit requests as the provider does")
    return parser


def _build(asked: argparse.Namespace) -> QuickBooks | Shopify | Amazon:
    clock = SystemClock()
    journal = Journal(clock, asked.journal)
    if asked.provider == "amazon":
        return Amazon(clock=clock, journal=journal, throttle=asked.throttle, generous=not asked.throttle)
    if asked.provider == "shopify":
        shopify = Shopify.generated(seed=asked.seed, orders=asked.size, as_of=clock.now(), clock=clock, journal=journal)
        if asked.throttle:
            shopify.buckets = {domain: Bucket(1000.0, 100.0) for domain in shopify.shops}
        return shopify
    throttle = Throttle() if asked.throttle else None
    only = Size(asked.size, max(12, min(500, asked.size)), bills=0, journal_entries=0, paid=0.0)
    size = only if asked.invoices_only else Size.of(asked.size)
    return QuickBooks.generated(
        seed=asked.seed, size=size, as_of=clock.now(), clock=clock, throttle=throttle, journal=journal
    )


async def _run(asked: argparse.Namespace) -> None:
    provider = _build(asked)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        if isinstance(provider, Amazon):
            # A region is known by its address: the first one gets the port that was asked for.
            ports = {region: asked.port if place == 0 else 0 for place, region in enumerate(provider.apps)}
            urls = {
                region: (await stack.enter_async_context(serve(app, port=ports[region]))).url
                for region, app in provider.apps.items()
            }
            url, environment = next(iter(urls.values())), provider.environment(urls)
        else:
            url = (await stack.enter_async_context(serve(provider.app, port=asked.port))).url
            environment = provider.environment(url)
        found = {"name": asked.provider, "url": url, "environment": environment}
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    main()
