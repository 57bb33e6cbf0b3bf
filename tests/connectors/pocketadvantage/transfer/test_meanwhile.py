"""What a server gives back is read as far as it should go, and no further."""

import asyncio
import hashlib
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

import pytest

from connectors.errors import Retry
from connectors.pocketadvantage.transfer.ftp import _Client, ftp_remote
from connectors.pocketadvantage.transfer.port import LARGEST, Remote
from connectors.pocketadvantage.transfer.publishing import Published, publish
from tests.connectors.pocketadvantage.transfer.stage import ARCHIVE, HERE, LATEST, NAME, NOW, staged


class Babbles:
    """Gives back a file that goes on and on."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self.parts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._remote, name)

    async def read(self, path: str, into: Callable[[bytes], object], limit: int) -> None:
        assert limit
        assert path
        for _ in range(500):
            self.parts += 1
            into(b"x" * 100)


async def to_the_end(remote: Remote, folder: str, name: str, body: IO[bytes], **_: Any) -> Published:
    """As a twin reads back that knows how much it sent and does not think of it."""
    sent = body.read()
    body.seek(0)
    await remote.make_folder(folder)
    await remote.write(f"{folder}/{name}.tmp", body)
    came: list[bytes] = []
    await remote.read(f"{folder}/{name}.tmp", came.append, LARGEST)
    if b"".join(came) != sent:
        raise Retry(None, "differs", code="read_back_differs")
    await remote.rename(f"{folder}/{name}.tmp", f"{folder}/{name}", replace=True)
    return Published(len(sent), hashlib.sha256(sent).hexdigest())


class Deaf(_Client):
    """A twin that leaves it to the library how long it waits."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.socket_timeout = 60


@pytest.mark.parametrize("client, loses", [(_Client, False), (Deaf, True)])
async def test_who_gives_up_is_heard_whatever_comes_at_that_moment(
    tmp_path: Path,
    client: type[_Client],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    """A line that comes some steps of the loop before somebody leaves; the twin goes on as if nobody had left."""
    goes_on = []
    with staged("ftp", tmp_path) as stage:
        async with ftp_remote(stage.place, HERE.reach, None, client) as remote:
            stream = remote._client.stream
            for steps in range(8):
                waiting = asyncio.ensure_future(stream.readline())
                for _ in range(5):
                    await asyncio.sleep(0)
                stream.reader.feed_data(b"226 done\r\n")
                for _ in range(steps):
                    await asyncio.sleep(0)
                left = waiting.cancel()
                await asyncio.wait([waiting])
                goes_on.append(left and not waiting.cancelled())
                vars(stream.reader)["_buffer"].clear()
    assert any(goes_on) == loses


@pytest.mark.parametrize("publishing, loses", [(publish, False), (to_the_end, True)])
async def test_a_file_without_end_is_not_read_to_its_end(
    tmp_path: Path,
    publishing: Callable[..., Awaitable[Published]],
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    with staged("local", tmp_path) as stage:
        async with stage.opened() as remote:
            babbles = Babbles(remote)
            with pytest.raises(Retry, match="read_back_differs"):
                await publishing(babbles, LATEST, NAME, io.BytesIO(b"x" * 150), archive_folder=ARCHIVE, now=NOW)
            assert babbles.parts == (500 if loses else 2)
        assert stage.there is None
