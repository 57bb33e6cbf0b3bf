"""What a server gives back is read as far as it should go, and no further."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from connectors.errors import Retry
from connectors.pocketadvantage.transfer import publishing
from connectors.pocketadvantage.transfer.port import LARGEST, Remote
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


async def _to_the_end(self: Any, path: str, body: IO[bytes], size: int, sha256: str, *_: Any) -> None:
    """As a twin reads back that knows how much it sent and does not think of it."""
    await self.remote.write(path, body)
    came: list[bytes] = []
    await self.remote.read(path, came.append, LARGEST)
    if len(b"".join(came)) != size or not sha256:
        raise Retry(None, "differs", code="read_back_differs")


@pytest.mark.parametrize("loses", [False, True])
async def test_a_file_without_end_is_not_read_to_its_end(
    tmp_path: Path,
    loses: bool,  # noqa: FBT001 - what the twin does
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if loses:
        monkeypatch.setattr(publishing._Work, "put", _to_the_end)
    with staged("local", tmp_path) as stage:
        async with stage.opened() as remote:
            babbles = Babbles(remote)
            with pytest.raises(Retry, match="read_back_differs"):
                await publishing.publish(babbles, LATEST, NAME, io.BytesIO(b"x" * 150), archive_folder=ARCHIVE, now=NOW)
            assert babbles.parts == (500 if loses else 2)
        assert stage.there is None
