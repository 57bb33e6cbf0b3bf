"""The audit: read by admins only, append-only in the database, and a change behind its back is found."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jobs.errors import NotAllowedError
from jobs.refresh.ask import TriggerKey
from storage.facts.ids import new_id
from storage.facts.people import Role
from storage.sessions import ConflictError, Database, Session
from tests.jobs.stage import Stage, staged

_CHANGE = "UPDATE audit SET actor = 'somebody' WHERE sequence = 1"
_REMOVE = "DELETE FROM audit WHERE sequence = 1"


async def _with_an_entry(stage: Stage) -> None:
    key = TriggerKey("T0TEMERITY", new_id("trg"))
    await stage.jobs.services.members.grant(await stage.actor("U0DANIEL"), "U0NOMAIL", Role.VIEWER, key)


async def test_an_admin_reads_names_and_that_the_chain_holds(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        await _with_an_entry(stage)
        page = await stage.jobs.services.audit.newest(await stage.actor("U0DANIEL"))
        newest = page.entries[0]
        assert (newest.actor, newest.action, newest.subject) == ("Daniel Kim", "manage_members", "Noor Haddad")
        assert page.broken == ()
        for user in ("U0MAYA", "U0PRIYA", "U0GUEST"):
            with pytest.raises(NotAllowedError):
                await stage.jobs.services.audit.newest(await stage.actor(user))


@pytest.mark.parametrize("statement", [_CHANGE, _REMOVE])
async def test_the_database_refuses_to_change_or_remove_entries(
    database: Database, tmp_path: Path, statement: str
) -> None:
    async with staged(database, tmp_path) as stage:
        with pytest.raises((DBAPIError, ConflictError), match="append-only"):
            stage.database.in_write(lambda session: session.connection().execute(text(statement)))


def _without_guard(session: Session) -> None:
    """Do what somebody with the keys to the database can do: the twin of a database without the guard."""
    if session.connection().dialect.name == "sqlite":
        session.connection().execute(text("DROP TRIGGER audit_never_changes"))
        session.connection().execute(text("DROP TRIGGER audit_never_goes"))
    else:
        session.connection().execute(text("DROP TRIGGER audit_append_only ON audit"))


@pytest.mark.parametrize("statement", [_CHANGE, _REMOVE])
async def test_a_change_behind_the_guard_is_found(database: Database, tmp_path: Path, statement: str) -> None:
    async with staged(database, tmp_path) as stage:
        await _with_an_entry(stage)

        def tamper(session: Session) -> None:
            _without_guard(session)
            session.connection().execute(text(statement))

        stage.database.in_write(tamper)
        page = await stage.jobs.services.audit.newest(await stage.actor("U0DANIEL"))
        assert page.broken
