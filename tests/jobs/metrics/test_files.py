"""Metrics as files: exact, safe in a spreadsheet, never fresher than they are; links for one person, for 15 minutes."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import httpx
import pytest

from bot.pages.metric_file import MetricFilePages
from bot.web import build_web
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.metrics.export import COLUMNS, FileForm, as_csv, as_json, as_object, safe
from jobs.metrics.files import PATH, Claim, FileLinks, MetricFiles, read_ticket, whole
from storage.facts.clock import OffsetClock
from storage.facts.metrics import Calculation, Dataset, Definition, MetricState, Selection, Shown
from storage.facts.secret import Secret
from storage.records import audit, organizations
from storage.sessions import Database, Session
from storage.tables import MemberRow
from tests.jobs.metrics.standing_metrics import NOW, Company

EVIL = '=HYPERLINK("https://evil.example","a,b")'
PUBLIC = "https://tidings.example"


@pytest.fixture
def company(sqlite_database: Database) -> Company:
    return Company(sqlite_database)


def shown(company: Company, name: str, *, at: timedelta = timedelta(minutes=5)) -> Shown:
    metric = company.make(name, amounts=("-880.40", None, "123456789012345678901234.123456789012"))
    company.ready(NOW)
    found = company.database.in_read(lambda session: whole(session, metric.organization_id, metric.id, NOW + at))
    assert found is not None
    return found


def cells(content: bytes) -> list[dict[str, str]]:
    """Read a file as a program would."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def test_every_period_is_there_exactly_with_its_state(company: Company) -> None:
    found = shown(company, EVIL)
    rows = cells(as_csv(found))
    assert [row["value"] for row in rows] == ["-880.40", "", "123456789012345678901234.123456789012"]
    assert tuple(rows[0]) == COLUMNS
    assert {(row["metric"], row["state"]) for row in rows} == {(f"'{EVIL}", "current")}
    assert all(row["data_as_of"] == "2026-11-22T12:00:00+00:00" and row["oldest_input"] for row in rows)
    assert rows[1]["empty_because"] == "nothing to divide by"
    assert as_csv(found).count(b"\r\n") == as_csv(found).count(b"\n") == len(rows) + 1
    told = json.loads(as_json(found))
    assert [Decimal(one["value"]) if one["value"] else None for one in told["values"]] == [
        kept.value.value for kept in found.values
    ]
    assert (told["name"], told["current"], told["values"][0]["period"]["end"]) == (EVIL, True, "2026-10-31")


def test_values_of_an_older_definition_are_told_as_they_were_calculated(company: Company) -> None:
    found = shown(company, "Net income")
    grew = replace(found, before=replace(found.metric.definition, calculation=Calculation.GROWTH))
    assert {row["unit"] for row in cells(as_csv(found))} == {"amount"}
    assert {row["unit"] for row in cells(as_csv(grew))} == {"ratio"}
    assert as_object(grew, values=False)["latest"]["unit"] == "ratio"


def only_half(text: str) -> str:
    """The bug: what comes after a space or a tab, or in full width, is overlooked."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


@pytest.mark.parametrize("guard, holds", [(safe, True), (only_half, False)], ids=["product", "twin"])
def test_no_text_becomes_a_formula(guard: Callable[[str], str], *, holds: bool) -> None:
    bad = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "\uff1d1", "\u3000=1")
    assert all(guard(text).startswith("'") for text in bad) is holds
    assert [safe(text) for text in ("Net income", "", "USD", "a=b")] == ["Net income", "", "USD", "a=b"]


def says_stale(content: bytes) -> bool:
    """Whether every row says that it is not current."""
    return all(row["state"] == "stale" and row["why_not_current"] for row in cells(content))


def test_an_old_value_says_so_in_every_row(company: Company) -> None:
    found = shown(company, "Cash", at=timedelta(days=3))
    assert says_stale(as_csv(found))
    said = as_object(found, values=False)
    assert (said["current"], said["state"], said["latest"]["value"]) == (False, "stale", "-880.40")
    # A broken twin writes what was kept when it was calculated.
    assert not says_stale(as_csv(replace(found, state=MetricState.CURRENT, reason="")))


def links() -> FileLinks:
    return FileLinks([Secret("k" * 44)], PUBLIC)


class Unbound(FileLinks):
    """Twin: a link that is signed for its form and time alone."""

    def _parts(self, claim: Claim) -> tuple[str, ...]:
        return super()._parts(replace(claim, metric_id="met_x", member_id="mem_x"))


@pytest.mark.parametrize("kind, holds", [(FileLinks, True), (Unbound, False)], ids=["product", "twin"])
def test_a_link_is_for_one_person_and_metric_and_a_quarter_of_an_hour(kind: type[FileLinks], *, holds: bool) -> None:
    made, until = kind([Secret("k" * 44)], PUBLIC), int((NOW + timedelta(minutes=15)).timestamp())
    url = made.link(Claim("met_1", "mem_1", FileForm.CSV, until))
    claim = read_ticket(url.partition("ticket=")[2])
    assert claim is not None
    assert made.made(claim, NOW)
    assert not made.made(claim, NOW + timedelta(minutes=15))
    assert not made.made(replace(claim, until=until + 60), NOW)
    other_keys = kind([Secret("j" * 44)], PUBLIC)
    assert not other_keys.made(claim, NOW)
    moved = (replace(claim, metric_id="met_2"), replace(claim, member_id="mem_2"))
    assert any(made.made(one, NOW) for one in moved) is not holds
    assert all(
        read_ticket(text) is None for text in ("", "met_1.mem_1.csv", url, "met_1.mem_1.exe.1795000000." + "a" * 43)
    )


def leave(session: Session, member_id: str) -> None:
    session.get_one(MemberRow, member_id).removed_at = NOW


async def test_the_file_is_there_for_a_member_and_for_nobody_else(company: Company) -> None:
    company.ready(NOW)
    metric = company.make("Net income")
    desk, clock = Desk(company.database.url), OffsetClock()
    clock.offset = NOW - clock.base()
    files, maya = MetricFiles(desk, clock, links()), company.actor("U0MAYA")

    async def ready() -> bool:
        return True

    app = build_web(None, None, ready, pages=MetricFilePages(files).routes())
    try:
        with pytest.raises(NotFoundError):
            await files.links(maya, "Nothing")
        found = await files.links(maya, "net income")
        urls = dict(found.urls)
        assert await files.links(maya, metric.id) == found
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC) as http:
            answer = await http.get(urls[FileForm.CSV])
            assert (answer.status_code, len(cells(answer.content))) == (200, 2)
            assert answer.headers["content-disposition"] == 'attachment; filename="net-income.csv"'
            assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == (
                "no-store",
                "nosniff",
            )
            assert (await http.get(urls[FileForm.JSON])).json()["name"] == "Net income"
            assert (await http.get(f"{PATH}?ticket=nothing")).status_code == 410
            assert (await http.get(urls[FileForm.CSV] + "&ticket=x")).status_code == 410
            # Whoever is no member any more has no file, however good the link is.
            assert maya.member is not None
            gone = maya.member.id
            company.database.in_write(partial(leave, member_id=gone))
            assert company.database.in_read(lambda session: organizations.still_member(session, gone)) is None
            assert (await http.get(urls[FileForm.CSV])).status_code == 410
            clock.advance(timedelta(minutes=16))
            assert (await http.get(urls[FileForm.JSON])).status_code == 410
    finally:
        desk.close()


class Silent(MetricFiles):
    """Twin: a file is handed over that nobody hears of."""

    async def _noted(self, shown: Shown, claim: Claim, now: datetime) -> None:
        assert shown.values
        assert claim.until > now.timestamp()


@pytest.mark.parametrize("kind, told", [(MetricFiles, True), (Silent, False)], ids=["product", "twin"])
async def test_who_takes_which_values_out_stands_in_the_audit(
    company: Company, kind: type[MetricFiles], *, told: bool
) -> None:
    company.ready(NOW)
    metric, desk, clock = company.make("Net income"), Desk(company.database.url), OffsetClock()
    clock.offset = NOW - clock.base()
    files, maya = kind(desk, clock, links()), company.actor("U0MAYA")
    assert maya.member is not None
    try:
        url = dict((await files.links(maya, metric.id)).urls)[FileForm.CSV]
        ticket = url.partition("ticket=")[2]
        assert await files.file(ticket) is not None
        assert await files.file(ticket[:-1]) is None, "what leads nowhere is no download"
    finally:
        desk.close()
    found = company.database.in_read(lambda session: audit.newest(session, metric.organization_id, limit=5))
    mine = [one for one in found if one.action == "downloaded"]
    assert ([(one.actor, one.object_id) for one in mine] == [(maya.member.id, metric.id)]) is told
    if told:
        assert dict(mine[0].detail) == {"name": "Net income", "form": "csv"}
        assert ticket not in str(mine)


def test_a_number_of_a_part_says_of_which(company: Company) -> None:
    sold = Selection(Dataset.CUSTOMERS, department_id="5", department_name="North", below=False)
    found = shown(company, "North")
    narrowed = replace(found, metric=replace(found.metric, definition=Definition(sold)))
    said = as_object(narrowed, values=False)["definition"]["selection"]
    assert (said["below"], said["narrowed_to"]) == (False, {"department": {"id": "5", "name": "North"}})
