"""What tests of connectors share: the collected contracts, where this machine has them, and questions about lakes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.lakes import Ask, asking

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def contracts() -> Path:
    folder = Path(os.environ.get("CONTRACTS_DIR", ROOT.parent / "shared" / "contracts"))
    if not folder.is_dir():
        pytest.skip("no provider contracts here: set CONTRACTS_DIR to their folder")
    return folder


@pytest.fixture
def ask() -> Iterator[Ask]:
    with asking() as query:
        yield query
