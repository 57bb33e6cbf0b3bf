"""`tidings serve` looks for no garbage while it starts, and looks again as soon as it listens."""

import gc
from collections.abc import Iterator

import pytest

from bot.cli.serve import listens


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
