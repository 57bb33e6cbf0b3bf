"""The collected contracts of the providers, where this machine has them."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def contracts() -> Path:
    folder = Path(os.environ.get("CONTRACTS_DIR", ROOT.parent / "shared" / "contracts"))
    if not folder.is_dir():
        pytest.skip("no provider contracts here: set CONTRACTS_DIR to their folder")
    return folder
