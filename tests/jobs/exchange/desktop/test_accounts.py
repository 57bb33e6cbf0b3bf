"""Of several accounts of PocketAdvantage an admin says whose orders a QuickBooks Desktop takes; it is never guessed."""

import pytest
from sqlmodel import Session

from jobs.errors import TooLateError
from storage.sessions import Database
from storage.tables import ConnectionRow, SourceRow
from tests.jobs.exchange.desktop.stage import SOURCE, staged

SECOND = "src_second"


def _second(session: Session) -> None:
    source, connection = session.get_one(SourceRow, SOURCE), session.get_one(ConnectionRow, SOURCE)
    session.add(SourceRow(**source.model_dump() | {"id": SECOND, "account": "Counter-2", "label": "second"}))
    session.flush()
    session.add(ConnectionRow(**connection.model_dump() | {"source_id": SECOND}))


async def test_the_account_is_named_where_there_are_several(sqlite_database: Database) -> None:
    async with staged(sqlite_database) as stage:
        sqlite_database.in_write(_second)
        new, actor = stage.registering.new, stage.actor()
        with pytest.raises(
            TooLateError, match=r"say whose orders it takes.*: (TEMERITY, Counter-2|Counter-2, TEMERITY)"
        ):
            await new(actor, stage.trigger())
        with pytest.raises(TooLateError, match="no PocketAdvantage account is called nobody: there is"):
            await new(actor, stage.trigger(), "nobody")
        assert await stage.registering.all(actor) == []
        made = await new(actor, stage.trigger(), "counter-2")
        assert (made.connector.source_id, made.account) == (SECOND, "Counter-2")
        with pytest.raises(TooLateError, match="registered already"):
            await new(actor, stage.trigger(), "counter-2")
        # Of one that is left nobody needs to say which.
        rest = await new(actor, stage.trigger())
        assert rest.connector.source_id == SOURCE
        assert {one.account for one in await stage.registering.all(actor)} == {"TEMERITY", "Counter-2"}
