"""T66: a right that was written into the database, past everybody who may give it, is found and said."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Protocol, TypeVar

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import text
from structlog.testing import capture_logs

from bot.cli.checks import about_organizations
from bot.cli.say import Mark
from jobs.forged import RIGHT_WITHOUT_AUDIT, forgery_sweep, forgery_words
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import TriggerKey
from jobs.work import Work
from storage.facts.clock import SystemClock
from storage.facts.deliveries import Delivery
from storage.facts.ids import new_id
from storage.facts.messages import Message
from storage.facts.people import Role
from storage.records import audit, authority, deliveries
from storage.seal import new_key
from storage.sessions import Database, Session
from storage.settings import Settings
from templates import slack
from tests.jobs.stage import staged
from tests.storage.test_seeding import ORGANIZATION, seed


class Check(Protocol):
    """Finds the rights that nobody gave."""

    def __call__(self, session: Session, chain: str) -> authority.Rights:
        """Look at one chain."""
        ...


T = TypeVar("T")


def read(database: Database, work: Callable[[Session], T]) -> T:
    """Read, with the type of what is read."""
    return database.in_read(work)


_SETTINGS = {
    "secret_keys": [new_key()],
    "slack_bot_token": "xoxb-1",
    "slack_signing_secret": "x" * 32,
    "quickbooks_client_id": "x",
    "shopify_client_id": "x",
}
_NEW_ADMIN = (
    "INSERT INTO members (id, organization_id, team_id, user_id, name, role, timezone)"
    f" VALUES ('mem_forged', '{ORGANIZATION}', 'T0TEMERITY', 'U0MALLORY', 'Mallory', 'admin', 'UTC')"
)
#: What somebody with the database writes, and which right nobody gave by it.
FORGERIES = (
    ("UPDATE members SET role = 'admin' WHERE user_id = 'U0MAYA'", "member", "admin T0TEMERITY/U0MAYA"),
    (
        _NEW_ADMIN,
        "member mem_forged",
        "admin T0TEMERITY/U0MALLORY",
    ),
    # The admin's own row, led to another account.
    ("UPDATE members SET user_id = 'U0MALLORY' WHERE user_id = 'U0DANIEL'", "member", "admin T0TEMERITY/U0MALLORY"),
    ("UPDATE members SET removed_at = '2026-11-22' WHERE user_id = 'U0DANIEL'", "member", None),
    ("UPDATE organizations SET group_roles = 'manager=T0TEMERITY/S0X'", "user groups", "manager=T0TEMERITY/S0X"),
    ("UPDATE organizations SET slack_admins = true", "slack admins", "yes"),
    ("UPDATE organizations SET refresh_allowed_at = '2026-11-22'", "refresh access", "yes"),
    (
        "INSERT INTO support_people (team_id, user_id, name) VALUES ('T0SUPPORT', 'U0MALLORY', 'Mallory')",
        "support T0SUPPORT/U0MALLORY",
        "listed",
    ),
)


def found_by(database: Database, check: Check) -> list[tuple[str, str | None]]:
    """Return what a check finds everywhere."""
    chains = (ORGANIZATION, authority.OPERATOR)
    return [pair for chain in chains for pair in read(database, partial(check, chain=chain)).items()]


def by_name_only(session: Session, chain: str) -> authority.Rights:
    """Be a check that only asks whether somebody was ever let in: the broken twin."""
    said = authority.in_audit(session, chain)
    return {right: value for right, value in authority.in_tables(session, chain).items() if right not in said}


def run(database: Database, statement: str) -> None:
    database.in_write(lambda session: session.connection().execute(text(statement)))


def missed(database: Database, check: Check) -> list[str]:
    """Write each forgery, and return those that the check does not find; each is undone again."""
    unseen = []
    for statement, right, stands in FORGERIES:
        with database.engine.connect() as connection, Session(bind=connection) as session:
            connection.execute(text(statement))
            chain = authority.OPERATOR if right.startswith("support") else ORGANIZATION
            pairs = check(session, chain).items()
            if not any(name.startswith(right) and value == stands for name, value in pairs):
                unseen.append(statement)
            connection.rollback()
    return unseen


def test_what_nobody_gave_is_found(database: Database) -> None:
    seed(database)
    assert found_by(database, authority.unexplained) == []
    assert missed(database, authority.unexplained) == []


def test_a_check_of_names_alone_is_caught(database: Database) -> None:
    seed(database)
    assert found_by(database, by_name_only) == []
    assert len(missed(database, by_name_only)) == 3


async def test_every_way_to_give_and_take_is_explained(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        members, admin = stage.jobs.services.members, await stage.actor("U0DANIEL")

        def key() -> TriggerKey:
            return TriggerKey("T0TEMERITY", new_id("trg"))

        given = await members.grant(admin, "U0NOMAIL", Role.ADMIN, key())
        await members.revoke(admin, given.member.id, key())
        twice = key()
        await members.grant(admin, "U0MAYA", Role.VIEWER, twice)
        await members.grant(admin, "U0MAYA", Role.MANAGER, key())
        # Slack sends the first click again: it has had its effect.
        await members.grant(admin, "U0MAYA", Role.VIEWER, twice)
        assert stage.member("U0MAYA").role is Role.MANAGER
        await stage.jobs.services.access.change(stage.organization_id, give=True)
        for chain in (stage.organization_id, authority.OPERATOR):
            assert read(stage.database, partial(authority.unexplained, chain=chain)) == {}
            assert read(stage.database, partial(authority.in_audit, chain=chain))


async def test_support_is_told_once_and_the_log_each_time(sqlite_database: Database) -> None:
    database, started = sqlite_database, list[Work]()
    seed(database)
    notifier = Notifier(lambda _session, work: started.append(work), support_channel="", support_email="")
    sweep = forgery_sweep(database, SystemClock(), notifier, lambda _session, work: started.append(work))
    with capture_logs() as logs:
        await sweep()
    assert (logs, started) == ([], [])
    run(database, FORGERIES[1][0])
    run(database, FORGERIES[-1][0])
    for _ in range(2):
        with capture_logs() as logs:
            await sweep()
        assert [(one["event"], one["right"]) for one in logs] == [
            ("right_without_audit", "member mem_forged"),
            ("right_without_audit", "support T0SUPPORT/U0MALLORY"),
        ]
    told = [read(database, partial(deliveries.delivery, delivery_id=work.subject)) for work in started]
    assert [(one.kind, one.destination) for one in told] == [(RIGHT_WITHOUT_AUDIT, "T0SUPPORT/C0DATASUP")] * 2
    messages = [read(database, partial(_said, one)) for one in told]
    words = [str(slack.render(one, revision=0)) for one in messages]
    assert "mem_forged" in words[0]
    assert "Temerity Goods" in words[0]
    assert "the support team" in words[1]
    settings = Settings.model_validate(_SETTINGS)
    failing = [one for one in about_organizations(database, settings) if one.mark is Mark.FAIL]
    assert ["mem_forged" in failing[0].text, "U0MALLORY" in failing[1].text] == [True, True]
    # Whoever may decide says that it shall be so: what the file names is explained by it.
    run(database, FORGERIES[0][0])
    seed(database)
    assert [right for right, _ in found_by(database, authority.unexplained)] == [
        "member mem_forged",
        "support T0SUPPORT/U0MALLORY",
    ]


def _said(delivery: Delivery, session: Session) -> Message:
    return forgery_words()[delivery.kind](session, delivery, delivery.created_at)


def installed_before(database: Database) -> None:
    """Make an installation of before rights were written down."""
    seed(database)
    run(database, "DROP TRIGGER audit_never_goes" if database.is_sqlite else "DROP TRIGGER audit_append_only ON audit")
    run(database, "DELETE FROM audit")
    database.in_write(lambda session: audit.record(session, ORGANIZATION, "operator", "seed", "x", SystemClock().now()))


def test_what_was_there_before_is_taken_as_found(database: Database) -> None:
    installed_before(database)
    # Without the baseline everybody of before would be called a forgery.
    assert len(found_by(database, authority.unexplained)) > 3
    with database.engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        import_module("storage.migrations.versions.0012_rights_as_found").upgrade()
    assert found_by(database, authority.unexplained) == []
    for chain in (ORGANIZATION, authority.OPERATOR):
        assert read(database, partial(audit.broken_entries, organization_id=chain)) == []
    assert missed(database, authority.unexplained) == []
