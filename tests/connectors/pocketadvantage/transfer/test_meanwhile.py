"""What a server gives back is read as far as it should go, and no further."""

import hashlib
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

import pytest

from connectors.errors import Retry
from connectors.pocketadvantage.transfer.port import LARGEST, Remote
from connectors.pocketadvantage.transfer.publishing import Published, publish
from tests.connectors.pocketadvantage.transfer.stage import ARCHIVE, LATEST, NAME, NOW, staged


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
