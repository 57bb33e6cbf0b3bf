"""PocketAdvantage from the operator's shell: a connection that is seeded, and the folder that doctor looks at."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.cli.checks_files import about_files
from bot.cli.say import Mark
from bot.cli.seed import modes, write
from connectors.pocketadvantage.declared import read_declared
from storage.credentials import Place, open_credentials
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, Provider
from storage.records import exchange, sources
from storage.seal import Seal, new_key
from storage.seed_file import parse_seed
from storage.seed_text import SeedError
from storage.seeding import Seeding
from storage.sessions import Database
from tests.storage.test_seed_file import SMALL

DECLARED = '{"store": "exchange", "company": "Small", "cust_id": "8812", "protocol": "local"}'
WHOLE = (
    SMALL
    + f"""\
  - provider: quickbooks
    account: "9341450000000001"
    company: Small
    credentials:
      refresh_token: a-refresh-token
  - provider: pocketadvantage
    account: "8812"
    company: Small
    credentials:
      access_token: '{DECLARED}'
"""
)


def test_a_seeded_connection_has_its_declaration_and_its_pairs(sqlite_database: Database) -> None:
    seal = Seal([Secret(new_key())])
    how = Seeding(seal, datetime(2026, 11, 22, tzinfo=UTC), modes())
    seed = parse_seed(WHOLE, "small.yaml", {})
    seeded = write(sqlite_database, seed, how)
    write(sqlite_database, seed, how)
    with sqlite_database.read() as session:
        known = {one.provider: one for one in sources.connections_of(session, seeded.organization_id)}
        pocket = known[Provider.POCKETADVANTAGE]
        grant = sources.stored_grant(session, pocket.id)
        pairs = exchange.pairs_of_source(session, pocket.id)
    assert (pocket.mode, pocket.label) == (CollectMode.EXCHANGE, "pocketadvantage_8812")
    place = Place(seeded.organization_id, Provider.POCKETADVANTAGE, "8812", grant.version)
    assert read_declared(open_credentials(seal, place, grant.credentials or b"").access).cust_id == "8812"
    assert {one.books_id for one in pairs} == {known[Provider.QUICKBOOKS].id}
    assert [one.on for one in pairs] == [False] * 6
    with pytest.raises(SeedError, match="customer id at Inventiv"):
        parse_seed(WHOLE.replace('account: "8812"', 'account: "../x"'), "small.yaml", {})


def test_doctor_looks_at_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    here = {"database_url": "postgresql://x", "warehouse_url": str(tmp_path / "data")}

    def said(folder: str) -> list[tuple[Mark, str]]:
        return [(one.mark, one.text) for one in about_files(SimpleNamespace(**here, exchange_folder=folder), None)]  # type: ignore[arg-type]  # three of its fields

    folder = tmp_path / "exchange"
    assert [mark for mark, _ in said("")] == [Mark.OK]
    ((mark, words),) = said(str(folder))
    assert (mark, "there is no folder" in words) == (Mark.FAIL, True)
    folder.mkdir()
    for mode, good in ((0o755, False), (0o750, True), (0o700, True)):
        folder.chmod(mode)
        assert ([mark for mark, _ in said(str(folder))] == [Mark.OK]) is good
