"""One fork server for all tests here."""

from collections.abc import Iterator

import pytest

from tests.faults.lives import ForkServer, fork_server


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    with fork_server() as started:
        yield started
