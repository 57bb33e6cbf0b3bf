"""Report documents, fetched from Amazon's storage by a signed link into a file, within bounds.

The link opens the document by itself, so the storage host gets no token of ours; the link is a secret and is neither
logged nor shown. It ends after five minutes.
"""

import asyncio
from dataclasses import replace
from typing import IO

import httpx

from connectors.amazon.document import LARGEST
from connectors.amazon.regions import STORAGE_HOSTS
from connectors.errors import Broken, Retry
from connectors.wire import Answer, HttpLimits, Wire, storage_link
from storage.facts.secret import Secret

#: A document takes longer than a call.
_PATIENCE = 20


async def download(url: Secret, into: IO[bytes], *, home: str, limits: HttpLimits, most: int = LARGEST) -> Answer:
    """Write a document to a file as it comes, whole or not at all; the answer returned has no body.

    Retry when the storage fails or the link has ended, Broken when it leads elsewhere or is larger than `most` bytes.
    """
    address = storage_address(url.reveal(), home)
    base = str(address.copy_with(raw_path=b"/"))
    size = 0

    async def take(chunk: bytes) -> None:
        nonlocal size
        size += len(chunk)
        if size > most:
            raise Broken(f"a report of more than {most >> 20} MB was refused", code="report_too_large")
        await asyncio.to_thread(into.write, chunk)

    async with Wire(base, limits=replace(limits, total=limits.total * _PATIENCE)) as wire:
        answer = await wire.pour(wire.fetch(address), take)
    if answer.status in {403, 404, 410}:
        raise Retry(30, "Amazon's link to a report had ended", code="document_expired")
    if answer.status >= 500 or answer.status == 429:
        raise Retry(None, f"Amazon's storage failed (HTTP {answer.status})", code="server_error")
    if answer.status != 200:
        raise Broken(f"Amazon's storage refused a report (HTTP {answer.status})", code="document_refused")
    return answer


def storage_address(url: str, home: str) -> httpx.URL:
    """Check a link: https to Amazon's storage; plain http only where Amazon itself is on this machine."""
    refused = Broken("Amazon named a document at an address that is not its storage", code="host_refused")
    return storage_link(url, home, lambda link: link.host.endswith(STORAGE_HOSTS), refused)
