"""T55: no file is read by two sources, of one organization or of two."""

import json
from collections.abc import Callable

import pytest

from bot.cli.checks import about_deliveries
from bot.cli.say import Mark
from storage.credentials import Credentials, Place, seal_credentials
from storage.facts.delivered import DeliveryPlace, place_of, place_of_account
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, Provider
from storage.records import delivered, seeds
from storage.seal import Seal, new_key
from storage.seed_file import parse_seed
from storage.seeding import Seeded, Seeding, SeedRefusedError, write_seed
from storage.sessions import Database, Session
from tests.storage.test_seeding import NOW, everything

SEAL = Seal([Secret(new_key())])
MODES = dict.fromkeys(Provider, CollectMode.PUSH)
NETSUITE = Provider.NETSUITE
#: Two accounts, and whether a file can be in both.
PAIRS = [
    ("s3:deliveries/temerity", "s3:deliveries/temerity", True), ("s3:deliveries/temerity", "s3:deliveries/temerity/", True),
    ("s3:deliveries/temerity", "s3:deliveries/temerity/gl", True), ("s3:deliveries/", "s3:deliveries/temerity", True),
    ("s3:deliveries", "s3:deliveries/a/b/c", True), ("s3:deliveries/temerity", "s3:deliveries/temerity2", False),
    ("s3:deliveries/temerity/gl", "s3:deliveries/temerity/ar", False), ("s3:deliveries/temerity", "s3:deliveries2/temerity", False),
    ("s3:deliveries/temerity", "gcs:deliveries/temerity", False), ("s3:deliveries/Temerity", "s3:deliveries/temerity", False),
]  # fmt: skip


def _of(account: str) -> DeliveryPlace:
    found = place_of_account(account)
    assert found is not None
    return found


def _same(one: DeliveryPlace, other: DeliveryPlace) -> bool:
    """The twin that knows equal places only, as accounts are compared."""
    return one == other


def _text(one: DeliveryPlace, other: DeliveryPlace) -> bool:
    """The twin that compares texts."""
    return str(one).startswith(str(other)) or str(other).startswith(str(one))


def _below(one: DeliveryPlace, other: DeliveryPlace) -> bool:
    """The twin that looks below, and not above."""
    return one.root == other.root and one.prefix == other.prefix[: len(one.prefix)]


@pytest.mark.parametrize("meets, holds", [(DeliveryPlace.meets, True), (_same, False), (_text, False), (_below, False)])
def test_which_places_have_files_in_common(meets: Callable[..., bool], *, holds: bool) -> None:
    found = [meets(*pair) for one, other, _ in PAIRS for pair in ((_of(one), _of(other)), (_of(other), _of(one)))]
    assert (found == [expected for *_, expected in PAIRS for _ in range(2)]) is holds


@pytest.mark.parametrize(
    "declared, account, expected",
    [
        ('{"feeds": []}', "main", "folder:netsuite:org_1/"), ('{"prefix": "gl/2026"}', "main", "folder:netsuite:org_1/gl/2026"),
        ('{"tables": [], "folder": "lists"}', "main", "folder:netsuite:org_1/lists"),
        ('{"store": "imap", "user": "Gl", "endpoint": "mail.example", "folder": "Ledger"}', "main", "imap:gl@mail.example:Ledger/"),
        ('{"store": "s3", "bucket": "b", "prefix": "p"}', "main", "s3:b/p"), ('{"store": "gcs", "bucket": "b"}', "s3:x/y", "gcs:b/"),
        ('{"bucket": "mine", "store": "s3", "bucket": "theirs"}', "main", "s3:theirs/"), ("no JSON", "s3:b/p", "s3:b/p"),
        ("no JSON", "main", "None"), ('["s3"]', "main", "None"), ('{"store": "s3"}', "main", "None"),
    ],
)  # fmt: skip
def test_the_declaration_says_the_place_whatever_the_account_is_called(
    declared: str, account: str, expected: str
) -> None:
    assert str(place_of(NETSUITE, "org_1", account, Secret(declared))) == expected
    assert place_of(Provider.SHOPIFY, "org_1", "temerity.myshopify.com", Secret("shpat_1")) is None


def seeded(database: Database, key: str, *sources: tuple[str, dict[str, str]], replace: bool = False) -> Seeded:
    """Seed an organization with sources of files: an account each, and what is declared."""
    lines = [
        f"  - {{provider: netsuite, account: '{account}', company: C, label: Files {account}, "
        f"credentials: {{access_token: '{json.dumps({'feeds': [], **more})}'}}}}"
        for account, more in sources
    ]
    organization = f"format: 1\norganization: {{key: {key}, name: {key}, timezone: UTC}}\n"
    workspaces = f"workspaces:\n  - {{team: T0{key.upper()}, name: {key}}}\n"
    seed = parse_seed("\n".join([organization, workspaces, "sources:", *lines]), "test.yaml", {})
    how = Seeding(SEAL, NOW, MODES, replace)
    return database.in_write(lambda session: write_seed(session, seed, how))


def bucket(prefix: str) -> dict[str, str]:
    return {"store": "s3", "bucket": "deliveries", "prefix": prefix}


def test_a_seed_whose_sources_would_read_the_same_files_is_refused_whole(database: Database) -> None:
    seeded(database, "temerity", ("main", bucket("temerity")), ("folder", {"prefix": "gl"}))
    before = everything(database)
    for key, prefix, words in (
        ("harbour", "temerity/gl", "Files main of another organization reads s3:deliveries/temerity"),
        ("harbour", "", "would read s3:deliveries/, and Files main of another organization"),
        ("temerity", "temerity/ar", "Files main of this organization reads s3:deliveries/temerity"),
    ):
        with pytest.raises(SeedRefusedError, match="a file may belong to one source only") as caught:
            seeded(database, key, ("other", bucket(prefix)))
        assert words in str(caught.value)
    for prefix in ("", "gl", "gl/2026"):
        with pytest.raises(SeedRefusedError):
            seeded(database, "temerity", ("second", {"prefix": prefix}))
    with pytest.raises(SeedRefusedError):
        seeded(database, "harbour", ("one", bucket("harbour")), ("two", bucket("harbour/x")))
    assert everything(database) == before


def test_beside_each_other_and_again_is_fine(sqlite_database: Database) -> None:
    seeded(sqlite_database, "temerity", ("main", bucket("temerity")), ("folder", {"prefix": "gl"}))
    seeded(sqlite_database, "harbour", ("main", bucket("temerity2")), ("folder", {"prefix": "gl"}))
    seeded(sqlite_database, "temerity", ("main", bucket("temerity/new")), replace=True)
    seeded(sqlite_database, "temerity", ("more", bucket("temerity/old")))
    assert list(about_deliveries(sqlite_database, SEAL)) == []


def test_what_was_stored_without_the_look_is_found(sqlite_database: Database) -> None:
    """The twin writes what the file says, as before places were compared; one whose key is gone is not overlooked."""
    seeded(sqlite_database, "temerity", ("s3:deliveries/temerity", bucket("temerity")))
    other = seeded(sqlite_database, "harbour", ("main", bucket("harbour")))
    declared = json.dumps({"feeds": [], **bucket("temerity/gl")})

    def unlooked(session: Session) -> None:
        source = delivered.taken(session, SEAL)
        (mine,) = [one for one in source if one.organization_id == other.organization_id]
        source_id = seeds.put_source(
            session, "", mine.organization_id, NOW, NETSUITE, mine.account, schedule_minutes=60
        )[0]
        place = Place(mine.organization_id, NETSUITE, mine.account, 2)
        seeds.put_credentials(
            session, source_id, NOW, sealed=seal_credentials(SEAL, place, Credentials(Secret(declared))), version=2,
            scopes="", access_expires_at=None, state="connected", reason=None,
        )  # fmt: skip

    sqlite_database.in_write(unlooked)
    (finding,) = about_deliveries(sqlite_database, SEAL)
    assert finding.mark is Mark.FAIL
    assert (
        "s3:deliveries/temerity/gl: the same files" in finding.text or "s3:deliveries/temerity/gl, and" in finding.text
    )
    with sqlite_database.read() as session:
        assert [str(one.place) for one in delivered.taken(session, Seal([Secret(new_key())]))] == [
            "s3:deliveries/temerity"
        ]
