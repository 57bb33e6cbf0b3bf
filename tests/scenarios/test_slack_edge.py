"""The Slack edge of the whole process: from the signed request to the row, and back to the person."""

from pathlib import Path

from storage.sessions import Database
from templates import actions
from tests.scenarios.slack_edge_stage import whole


async def test_a_person_asks_confirms_and_is_told(sqlite_database: Database, tmp_path: Path) -> None:
    async with whole(sqlite_database, tmp_path) as stage:
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "")
        await stage.shown("U0MAYA", "C0FINANCE", "Temerity Goods")
        card = await stage.confirm_card("U0MAYA", "C0FINANCE", "refresh shop")
        assert (await stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM)).ok
        await stage.shown("U0MAYA", "C0FINANCE", "accepted")
        await stage.shown("U0MAYA", "C0FINANCE", "ready to import", 20)
        assert stage.slack.red == []
        assert stage.slack.refused == []
