"""`tidings serve` looks for no garbage while it starts, and looks again as soon as it listens; what cannot start says why."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.serve import listens
from storage.lock import FileLock
from tests.bot.cli.conftest import Shell


@pytest.fixture
def as_it_was() -> Iterator[None]:
    """Leave the collector of this process as it was."""
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()


@pytest.mark.usefixtures("as_it_was")
def test_a_process_that_listens_looks_for_garbage_again(capsys: pytest.CaptureFixture[str]) -> None:
    gc.disable()
    listens("http://127.0.0.1:1")
    assert gc.isenabled()
    assert gc.get_freeze_count() > 1000
    assert "http://127.0.0.1:1" in capsys.readouterr().out


@pytest.mark.usefixtures("as_it_was")
def test_a_second_one_on_the_same_file_says_which_one_is_there(shell: Shell) -> None:
    shell.run("migrate")
    first = FileLock(Path(f"{shell.folder / 'tidings.db'}.lock"))
    first.take()
    try:
        # The last thing that it says, whatever the server logs before.
        assert "another Tidings (process" in shell.run("serve", code=1).splitlines()[-1]
    finally:
        first.release()


@pytest.mark.parametrize("command", ["serve", "migrate"])
@pytest.mark.usefixtures("as_it_was")
def test_a_database_that_cannot_be_written_is_named(shell: Shell, command: str) -> None:
    # Nothing can be made there: that is a file, and no folder.
    place = shell.env_file / "tidings.db"
    shell.variables["DATABASE_URL"] = f"sqlite:///{place}"
    assert f"{place} cannot be written" in shell.run(command, code=1)
