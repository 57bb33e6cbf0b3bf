"""Ways of handing files over that lose something: each must be caught."""

import asyncio
import hashlib
from typing import IO, Any

from connectors.pocketadvantage.transfer.port import Remote, broke
from connectors.pocketadvantage.transfer.publishing import Published, publish


def _published(body: IO[bytes]) -> Published:
    body.seek(0)
    data = body.read()
    return Published(len(data), hashlib.sha256(data).hexdigest())


async def straight(remote: Remote, folder: str, name: str, body: IO[bytes], **_: Any) -> Published:
    """It writes into the file that people read."""
    done = _published(body)
    body.seek(0)
    await remote.write(f"{folder}/{name}", body)
    return done


async def believing(remote: Remote, folder: str, name: str, body: IO[bytes], **_: Any) -> Published:
    """It takes the server's word for what was written."""
    done = _published(body)
    body.seek(0)
    temporary = f"{folder}/{name}.0000{done.sha256[:4]}.tmp"
    await remote.write(temporary, body)
    await remote.rename(temporary, f"{folder}/{name}", replace=True)
    return done


async def appending(remote: Any, folder: str, name: str, body: IO[bytes], **_: Any) -> Published:
    """It goes on behind what an earlier attempt left."""
    done = _published(body)
    temporary = f"{name}.tmp"
    left = next((one.size for one in await remote.look(folder) if one.name == temporary), 0)
    body.seek(left)
    try:
        async with remote._client.append_stream(f"{folder}/{temporary}") as stream:
            await stream.write(body.read())
    except OSError:
        raise broke() from None
    await remote.rename(f"{folder}/{temporary}", f"{folder}/{name}", replace=True)
    return done


async def one_name(remote: Remote, folder: str, name: str, body: IO[bytes], *, checkpoint: Any, **_: Any) -> Published:
    """All attempts write into one temporary file."""
    done = _published(body)
    body.seek(0)
    await remote.write(f"{folder}/{name}.tmp", body)
    checkpoint("exchange.verified")
    await remote.rename(f"{folder}/{name}.tmp", f"{folder}/{name}", replace=True)
    return done


async def forgetful(remote: Remote, folder: str, name: str, body: IO[bytes], **how: Any) -> Published:
    """It begins with taking the old file away."""
    if any(one.name == name for one in await remote.look(folder)):
        await remote.remove(f"{folder}/{name}")
    await asyncio.sleep(0)
    return await publish(remote, folder, name, body, **how)
