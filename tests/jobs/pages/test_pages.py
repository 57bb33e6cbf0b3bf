"""Answers as pages: for one person, organization and thing, for 15 minutes; nothing loaded, nothing old taken for new."""

import base64
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from html.parser import HTMLParser

import httpx
import pytest

from bot.pages.sheet import SheetPages
from bot.web import build_web
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.metrics.files import FileLinks
from jobs.pages.links import PATH, PageClaim, PageLinks, read_ticket
from jobs.pages.service import MetricValues, Opened, PageService
from storage.facts.clock import OffsetClock
from storage.facts.people import Member
from storage.facts.secret import Secret
from storage.records import audit, organizations
from storage.sessions import Database, Session
from storage.tables import MemberRow, OrganizationRow, SourceRow
from tests.jobs.metrics.standing_metrics import NOW, Company
from tests.storage.test_seeding import ORGANIZATION
from tests.templates.test_pictures import breaches

KEYS, PUBLIC = [Secret("k" * 44)], "https://tidings.example"
EVIL = '<img src=//evil.example> "Net" & <b>income</b>'


class Unbound(PageLinks):
    """Twin: a link that is signed for its time alone."""

    def _parts(self, claim: PageClaim) -> tuple[str, ...]:
        return super()._parts(replace(claim, about="src_x", organization_id="org_x", member_id="mem_x"))


@pytest.mark.parametrize("kind, holds", [(PageLinks, True), (Unbound, False)], ids=["product", "twin"])
def test_a_link_is_for_one_person_organization_and_thing(kind: type[PageLinks], *, holds: bool) -> None:
    made, until = kind(KEYS, PUBLIC), int((NOW + timedelta(minutes=15)).timestamp())
    url = made.link(PageClaim("src_1", "org_1", "mem_1", until))
    claim = read_ticket(url.partition("ticket=")[2])
    assert claim is not None
    assert made.made(claim, NOW)
    assert not made.made(claim, NOW + timedelta(minutes=15))
    assert not made.made(replace(claim, until=until + 60), NOW)
    assert not kind([Secret("j" * 44)], PUBLIC).made(claim, NOW)
    moved = [replace(claim, about="met_1"), replace(claim, organization_id="org_2"), replace(claim, member_id="mem_2")]
    assert any(made.made(one, NOW) for one in moved) is not holds
    for text in ("", url, "src_1.org_1.mem_1", f"run_1.org_1.mem_1.1795000000.{'a' * 43}"):
        assert read_ticket(text) is None


class Remembers(PageService):
    """Twin: whoever had a link once may read; who that is now is not looked up."""

    def _reader(self, session: Session, claim: PageClaim) -> Member | None:
        return organizations.member(session, claim.member_id)


@pytest.fixture
def company(sqlite_database: Database) -> Company:
    return Company(sqlite_database)


class Stand:
    """Pages in front of a real database, at a time of their own."""

    def __init__(self, company: Company, desk: Desk, kind: type[PageService]) -> None:
        self.clock = OffsetClock()
        self.clock.offset = NOW - self.clock.base()
        self.links = PageLinks(KEYS, PUBLIC)
        self.pages = kind(desk, self.clock, self.links, FileLinks(KEYS, PUBLIC))
        self.maya = company.actor("U0MAYA")
        app = build_web(None, None, self._ready, pages=SheetPages(self.pages).routes())
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC)

    async def _ready(self) -> bool:
        return True

    async def opens(self, url: str) -> bool:
        """Whether a link leads to anything."""
        answer = await self.http.get(url)
        assert answer.status_code in (200, 410)
        return answer.status_code == 200


@asynccontextmanager
async def stand(company: Company, kind: type[PageService] = PageService) -> AsyncIterator[Stand]:
    desk = Desk(company.database.url)
    built = Stand(company, desk, kind)
    try:
        yield built
    finally:
        await built.http.aclose()
        desk.close()


def rival(session: Session) -> None:
    """Add another organization with a source."""
    ours = session.get_one(OrganizationRow, ORGANIZATION)
    session.add(OrganizationRow(**ours.model_dump() | {"id": "org_rival", "name": "Rival Traders"}))


def moves(session: Session, source_id: str, organization_id: str) -> None:
    session.get_one(SourceRow, source_id).organization_id = organization_id


def joins(session: Session, member_id: str, organization_id: str) -> None:
    session.get_one(MemberRow, member_id).organization_id = organization_id


def leaves(session: Session, member_id: str) -> None:
    session.get_one(MemberRow, member_id).removed_at = NOW


@pytest.mark.parametrize("kind, holds", [(PageService, True), (Remembers, False)], ids=["product", "twin"])
async def test_a_page_is_there_for_its_person_and_for_nobody_else(
    company: Company, kind: type[PageService], *, holds: bool
) -> None:
    write, source = company.database.in_write, company.source
    write(rival)
    async with stand(company, kind) as site:
        assert site.maya.member is not None
        member_id = site.maya.member.id
        url = (await site.pages.link(site.maya, source.id)).url
        assert await site.opens(url)
        entries = company.database.in_read(lambda session: audit.newest(session, ORGANIZATION, limit=3))
        noted = [(one.actor, one.object_id, one.detail["form"]) for one in entries if one.action == "downloaded"]
        assert noted == [(member_id, source.id, "page")]
        for broken in (f"{PATH}?ticket=x", PATH, f"{url}&ticket=x", url[:-1], f"{url}x", f"{PATH}?ticket={'x' * 900}"):
            assert not await site.opens(broken)
        # What belongs to others reads like what is not there, and a signature made for it helps nobody.
        write(partial(moves, source_id=source.id, organization_id="org_rival"))
        with pytest.raises(NotFoundError):
            await site.pages.link(site.maya, source.id)
        assert not await site.opens(url)
        write(partial(moves, source_id=source.id, organization_id=ORGANIZATION))
        with pytest.raises(NotFoundError):
            await site.pages.link(site.maya, "met_nothing")
        # The person went to the others: neither their old organization nor, with that link, the new one is theirs.
        write(partial(joins, member_id=member_id, organization_id="org_rival"))
        assert await site.opens(url) is not holds
        write(partial(joins, member_id=member_id, organization_id=ORGANIZATION))
        write(partial(leaves, member_id=member_id))
        assert await site.opens(url) is not holds
        site.clock.advance(timedelta(minutes=16))
        assert not await site.opens(url)


#: What a page of ours is made of, and the attributes that lead or load anywhere.
_PLAIN = frozenset((
    "html", "head", "meta", "title", "style", "body", "main", "div", "p", "h1", "h2", "dl", "dt", "dd", "strong", "time",
    "figure", "img", "figcaption", "table", "thead", "tbody", "tr", "th", "td", "code", "a", "footer",
))  # fmt: skip
_LEADS = frozenset(
    {"src", "srcset", "href", "action", "formaction", "poster", "data", "background", "style", "http-equiv"}
)
_PICTURE, _FILE = "data:image/svg+xml;base64,", f"{PUBLIC}/files/metric?ticket=met_"


class Look(HTMLParser):
    """Notes what a page could run, press or load from elsewhere, and how many pictures it carries."""

    def __init__(self, shown: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(shown)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [] if tag in _PLAIN else [tag]
        for name, value in attrs:
            if name.startswith("on"):
                self.found.append(name)
            elif name in _LEADS and (value or "").startswith(_PICTURE):
                self.found += breaches(base64.b64decode((value or "").removeprefix(_PICTURE)))
            elif name in _LEADS and not (tag == "a" and (value or "").startswith(_FILE)):
                self.found.append(f"{name}={value}")


async def test_a_metric_is_shown_beside_its_target_and_nothing_is_loaded(company: Company) -> None:
    company.ready(NOW)
    metric = company.make(EVIL, amounts=("150", "120", None, "90", "60"))
    async with stand(company) as site:
        url = (await site.pages.link(site.maya, metric.id)).url
        answer = await site.http.get(url)
        shown = answer.text
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; style-src 'sha256-" in policy
        assert "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'" in policy
        assert (answer.headers["cache-control"], answer.headers["x-frame-options"]) == ("no-store", "DENY")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in answer.headers
        assert Look(shown).found == []
        assert shown.count("<img ") == shown.count('width="533"') == 1
        phone = await site.http.get(url, headers={"user-agent": "Mozilla/5.0 (iPhone) Mobile/15E148 Safari"})
        assert Look(phone.text).found == []
        assert 'width="324"' in phone.text
        assert 'alt="From 60.00 USD (Jun 2026) to 150.00 USD (Oct 2026)' in shown
        assert html.escape("<b>income</b>") in shown
        for words in ("+50.00 USD", "-40.00 USD", "nothing to divide by", "Nov 22, 2026, 07:00 EST", "Made for Maya"):
            assert words in shown
        assert 'class="standing fine"' in shown
        # Its files end with the page, and are the same person's.
        until = int((NOW + timedelta(minutes=15)).timestamp())
        assert (
            len(re.findall(rf"ticket={metric.id}\.{site.maya.member and site.maya.member.id}\.\w+\.{until}\.", shown))
            == 2
        )
        # Days later nothing of it looks well, and nothing is compared with the target.
        site.clock.advance(timedelta(days=3))
        old = (await site.http.get((await site.pages.link(site.maya, metric.id)).url)).text
        assert 'class="standing warn"' in old
        assert "<strong>Not current</strong> at" in old
        assert "(3 days old then)" in old
        assert "Against target" not in old
        assert "-40.00 USD" not in old


async def test_a_history_draws_and_tells_its_runs(company: Company) -> None:
    for hours in (30, 28, 20, 19, 0):
        company.ready(NOW - timedelta(hours=hours))
    async with stand(company) as site:
        url = (await site.pages.link(site.maya, company.source.id)).url
        head = await site.http.head(url)
        assert (head.status_code, b"<img" in head.content) == (200, False)
        shown = (await site.http.get(url)).text
        assert Look(shown).found == []
        assert 'alt="Before each of these 4 runs became ready the data were 1 h to 19 h old; 19 h before' in shown
        for words in ("5 runs, newest first", "Nov 21, 2026, 01:00 EST", '<td class="number">19 h</td>', "7:00 EST"):
            assert words in shown
        opened = await site.pages.open(url.partition("ticket=")[2])
        assert isinstance(opened, Opened)
        assert not isinstance(opened.about, MetricValues)


@pytest.mark.parametrize(
    "spoilt",
    [
        '<img src="https://evil.example/x.svg">', "<script>1</script>", '<p onclick="x">', '<form action="/x">',
        '<img src="data:image/svg+xml;base64,PHN2Zz48c2NyaXB0Lz48L3N2Zz4=">', '<a href="https://other.example/">',
    ],
    ids=["loads", "runs", "handles", "presses", "draws", "leads"],
)  # fmt: skip
def test_the_look_finds_what_must_not_be_there(spoilt: str) -> None:
    """The broken twins of a page."""
    assert Look(f"<html><style>a</style>{spoilt}</html>").found
    assert Look("<html><style>a</style><p>1</p></html>").found == []
