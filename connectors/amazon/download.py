"""Report documents: fetched from Amazon's storage by a signed link, unpacked within bounds, and turned into text.

The link opens the document by itself, so the storage host gets no token of ours; the link is a secret and is neither
logged nor shown. It ends after five minutes.
"""

import codecs
import re
import zlib
from email.message import Message

import httpx

from connectors.amazon.regions import STORAGE_HOSTS
from connectors.errors import Broken, Retry
from connectors.wire import Answer, HttpLimits, Wire, pinned
from storage.facts.secret import Secret

#: No document of more bytes is unpacked.
UNPACKED = 512 << 20
#: What Amazon calls its encodings, and how they are read; anything else is refused rather than guessed.
_CHARSETS = {
    "utf-8": "utf-8-sig",
    "cp1252": "cp1252",
    "iso8859-1": "cp1252",
    "ascii": "ascii",
    "shift_jis": "cp932",
    "cp932": "cp932",
    "utf-16": "utf-16",
}
_PAGE = re.compile(rb"\s*<(?:!doctype|html|\?xml|head|body)", re.IGNORECASE)


async def download(url: Secret, *, home: str, limits: HttpLimits) -> Answer:
    """Fetch a document; Retry when the storage fails or the link has ended, Broken when it leads elsewhere."""
    address = storage_address(url.reveal(), home)
    base = str(address.copy_with(raw_path=b"/"))
    async with Wire(base, limits=limits) as wire:
        answer = await wire.exchange(wire.fetch(address))
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
    try:
        address = httpx.URL(url)
        plain = pinned(str(address.copy_with(query=None, fragment=None)))
    except (httpx.InvalidURL, Broken, ValueError) as error:
        raise refused from error
    if plain.scheme == "http" and pinned(home).scheme == "http":
        return address
    if plain.scheme != "https" or not plain.host.endswith(STORAGE_HOSTS):
        raise refused
    return address


def unpacked(body: bytes, compression: str | None, *, most: int = UNPACKED) -> bytes:
    """Unpack a document; Retry when it was cut off, Broken when it is too large or packed in an unknown way."""
    if _PAGE.match(body[:200]):
        raise Retry(None, "Amazon's storage sent a page instead of a report", code="not_report")
    if compression is None:
        return body
    if compression.upper() != "GZIP":
        raise Broken("a report is packed in a way that is not known", code="report_packed")
    parts, size, rest = [], 0, body
    while rest:
        unpacking = zlib.decompressobj(wbits=31)
        try:
            part = unpacking.decompress(rest, most - size + 1)
        except zlib.error as error:
            raise Retry(None, "a report arrived damaged", code="report_cut") from error
        size += len(part)
        if size > most or unpacking.unconsumed_tail:
            raise Broken(f"a report of more than {most >> 20} MB was refused", code="report_too_large")
        if not unpacking.eof:
            raise Retry(None, "a report was cut off on its way", code="report_cut")
        parts.append(part)
        rest = unpacking.unused_data
    if not parts:
        raise Retry(None, "a report arrived empty", code="report_cut")
    return b"".join(parts)


def text_of(body: bytes, content_type: str, *, japanese: bool = False) -> str:
    """Decode by the declared encoding, strictly; without one by UTF-8 or else the region's old encoding."""
    declared = charset(content_type)
    named = (declared,) if declared else ("utf-8", "cp932" if japanese else "cp1252")
    for name in named:
        try:
            found = codecs.lookup(name).name
            if found not in _CHARSETS:
                break
            return body.decode(_CHARSETS[found])
        except (LookupError, UnicodeDecodeError):
            continue
    raise Broken("a report is not in the encoding that Amazon names", code="report_encoding")


def charset(content_type: str) -> str:
    """Return the declared encoding; empty when there is none."""
    message = Message()
    message["content-type"] = content_type
    return str(message.get_param("charset") or "")[:40]
