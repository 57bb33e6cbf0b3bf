"""One read in a process of its own: `python -m bench.reader ours|again|floor|typed FILE [FOLDER]`.

* ours: the QuickBooks connector into the raw layer of a warehouse, run after run until all is in (rate limits off).
* again: one more run into the same warehouse: what changed since.
* floor: the same pages of invoices, ten at a time by the same HTTP client, each decoded by msgspec, and dropped.
* typed: the floor, decoding only the fields that become columns, into structs: the least that anybody could do.

FILE holds what `bench.pages` said. The last line printed is what was found, as JSON; `cpu` in it leaves out the start
of Python and the imports, which all of them share.
"""

import asyncio
import gc
import importlib
import json
import resource
import sys
import time
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from storage.warehouse import Warehouse

Said = dict[str, Any]


async def ours(said: Said, folder: Path, *, again: bool) -> Said:
    """Read everything, or what changed, through the connector and load it."""
    # All as the product does at its start: without rich, with one heap, and no look for garbage during imports.
    from storage.warehouse.memory import share_one_heap

    share_one_heap()
    importlib.import_module("bot.without_rich")
    from connectors.base import Access, ProviderSettings, open_session
    from connectors.limits import Unlimited
    from connectors.registry import connector_for
    from connectors.tokens import MemoryTokens, Tokens
    from storage.facts.clock import SystemClock
    from storage.facts.secret import Secret
    from storage.facts.sources import Provider
    from storage.facts.streams import Batch
    from storage.warehouse import Loader, LoadRun, Warehouse

    connector = connector_for(Provider.QUICKBOOKS)
    gc.freeze()
    gc.enable()
    clock, given = SystemClock(), said["environment"]
    settings = ProviderSettings(
        client_id=given["QUICKBOOKS_CLIENT_ID"],
        client_secret=Secret(given["QUICKBOOKS_CLIENT_SECRET"]),
        api_url=given["QUICKBOOKS_API_URL"],
        auth_url=given["QUICKBOOKS_AUTH_URL"],
        token_url=given["QUICKBOOKS_TOKEN_URL"],
    )
    tokens = Tokens(
        Secret(said["access_token"]), Secret(said["refresh_token"]), expires_at=clock.now() + timedelta(hours=1)
    )
    warehouse = Warehouse(str(folder), "org_1")
    access = Access(said["realm"], settings, MemoryTokens(tokens), clock, Unlimited(), held=Lake(warehouse))
    read_seconds = commit_seconds = peak = 0.0
    spent, runs, wanted = time.process_time(), 0, said["truth"]["count"]
    while True:
        began, runs = time.monotonic(), runs + 1
        now = clock.now()
        load = warehouse.begin(LoadRun(f"run_{now:%H%M%S%f}", "src_1", "quickbooks", now), connector.streams)

        async def sink(batch: Batch, load: Loader = load) -> None:
            await asyncio.to_thread(load.write, batch)

        async with open_session(connector, access) as session:
            known = warehouse.cursors("src_1")
            done = await connector.collect(session, known, now, sink, lambda _stream, _rows, _expected: None)
        read, peak = time.monotonic(), max(peak, highest())
        cursors, full, keep = done.cursors, done.full, done.keep_cursors
        result = await asyncio.to_thread(partial(load.commit, cursors, full, keep_cursors=keep))
        read_seconds, commit_seconds = read_seconds + read - began, commit_seconds + time.monotonic() - read
        # Long lists are read in slices, one with each run.
        if again or result.counts["invoices"].total >= wanted or not result.counts["invoices"].touched:
            break
    return {
        "rows": {name: counts.total for name, counts in result.counts.items()},
        "changed": result.counts["invoices"].changed,
        "runs": runs,
        "read_seconds": read_seconds,
        "commit_seconds": commit_seconds,
        "cpu": time.process_time() - spent,
        "peak_mb_after_read": peak,
        "peak_mb_after_commit": highest(),
    }


class Lake:
    """What the warehouse holds, as a run of the product looks at it."""

    def __init__(self, warehouse: "Warehouse") -> None:
        self._warehouse = warehouse

    async def count(self, stream: str) -> int:
        return (await asyncio.to_thread(self._warehouse.counts, "src_1")).get(f"raw_quickbooks_{stream}", 0)

    async def keys(self, stream: str) -> list[str]:
        return await asyncio.to_thread(self._warehouse.keys, "src_1", f"raw_quickbooks_{stream}")

    async def among(self, stream: str, keys: Collection[str]) -> list[str]:
        ask = partial(self._warehouse.keys, "src_1", f"raw_quickbooks_{stream}", among=keys)
        return await asyncio.to_thread(ask)


async def floor(said: Said, decode: Callable[[bytes], Any]) -> Said:
    """Download and decode every page of invoices."""
    from connectors.quickbooks.entry import MINOR_VERSION
    from connectors.quickbooks.statements import ENTITIES, PAGE
    from connectors.reads import Call
    from connectors.side_by_side import in_order
    from connectors.wire import HttpLimits, Wire

    entity = next(one for one in ENTITIES if one.name == "Invoice")
    headers = {"Authorization": f"Bearer {said['access_token']}", "Accept": "application/json"}
    limits = HttpLimits()
    records, spent = 0, time.process_time()
    async with Wire(said["url"], limits=limits) as wire:

        async def page(start: int) -> Any:
            params = {"query": entity.page(start), "minorversion": MINOR_VERSION}
            call = Call("GET", f"/v3/company/{said['realm']}/query", "query", params=params)
            answer = await wire.exchange(wire.request(call, headers))
            return decode(answer.body)

        starts = range(1, said["truth"]["count"] + 1, PAGE)
        async for found in in_order([_call(page, start) for start in starts], limits.connections):
            records += found
    return {"rows": {"invoices": records}, "cpu": time.process_time() - spent}


def highest() -> float:
    """Return the highest resident size so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _call(page: Callable[[int], Any], start: int) -> Callable[[], Any]:
    return lambda: page(start)


def plain(body: bytes) -> int:
    """Decode a page into plain Python values."""
    import msgspec

    return len(msgspec.json.decode(body)["QueryResponse"]["Invoice"])


def typed() -> Callable[[bytes], int]:
    """Return what decodes only the fields that become columns, into structs."""
    import msgspec

    from connectors.quickbooks.shapes import INVOICES

    def struct(name: str, tree: dict[str, Any]) -> Any:
        fields: list[tuple[str, Any, Any]] = []
        for part, below in tree.items():
            key = part.removesuffix("[]")
            kind: Any = struct(key, below) if below else Any
            several = list[kind] if part != key else kind
            fields.append((key, Any if kind is Any else several | None, None))
        return msgspec.defstruct(name, fields)

    tree: dict[str, Any] = {}
    paths = [field.path for field in INVOICES.fields]
    paths += [f"{lines.path}[].{field.path}" for lines in INVOICES.lines for field in lines.fields]
    for path in (each for several in paths for each in several.split("|")):
        place = tree
        for part in path.split("."):
            place = place.setdefault(part, {})
    invoice = struct("Invoice", tree)
    response = msgspec.defstruct("Response", [("Invoice", list[invoice])])  # type: ignore[valid-type]
    decoder = msgspec.json.Decoder(msgspec.defstruct("Page", [("QueryResponse", response)]))
    return lambda body: len(decoder.decode(body).QueryResponse.Invoice)  # type: ignore[attr-defined]


def main() -> None:
    """Do what the arguments say."""
    kind, said = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    if kind in {"ours", "again"}:
        found = asyncio.run(ours(said, Path(sys.argv[3]), again=kind == "again"))
    else:
        found = asyncio.run(floor(said, plain if kind == "floor" else typed()))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
