"""Whose browser it is: links, codes, and who is kept out; each defence with a twin that lacks it."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.connecting.marks import hash_of
from jobs.connecting.service import ConnectService
from jobs.connecting.views import FlowView
from jobs.errors import (
    AlreadyConnectedError,
    FlowGoneError,
    NotAllowedError,
    NotFoundError,
    RequestError,
    TooLateError,
    TooManyCodesError,
    UnavailableError,
    WrongCodeError,
)
from storage.facts.flows import FlowState
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.records import flows
from storage.sessions import Database, Session
from tests.jobs.connecting.stage import (
    BOOKS,
    DANIEL,
    EVE,
    OLGA,
    PRIYA,
    PUBLIC,
    SHOP,
    Stage,
    a_browser,
    demote,
    everything,
    rewrite,
    staged,
)


def _by_link(session: Session, link: Secret) -> str:
    found = flows.by_link(session, hash_of("link", link))
    assert found is not None
    return found.id


class AnyBrowser(ConnectService):
    """A twin that lets any browser bring the answer back."""

    async def returned(self, provider: Provider, query: list[tuple[str, str]], browser: Secret) -> FlowView:  # type: ignore[override]  # a list is enough here
        state = Secret(dict(query)["state"])
        found = self._means.database.in_read(lambda session: flows.by_state(session, hash_of("state", state)))
        if found is not None:
            rewrite(self._means.database, found.id, browser_hash=hash_of("browser", browser))
        return await super().returned(provider, query, browser)


class NoProof(ConnectService):
    """A twin that takes whoever has the link for the member."""

    async def go(self, link: Secret, browser: Secret, hint: str = "") -> str:
        flow_id = self._means.database.in_read(lambda session: _by_link(session, link))
        rewrite(self._means.database, flow_id, state=FlowState.PROVEN, browser_hash=hash_of("browser", browser))
        return await super().go(link, browser, hint)


async def _victim_gets_the_providers_page(stage: Stage) -> None:
    """Eve proves her own browser, and sends the provider's address to somebody of another company."""
    hers, victims = a_browser(), a_browser()
    url = await stage.away(hers, EVE)
    query = stage.outside.consent(url, "victim.myshopify.com", "Victim")
    with suppress(RequestError):
        await stage.service.returned(SHOP, query, victims)
    # What she could do next, had the answer reached our side by her flow:
    with suppress(RequestError):
        await stage.service.returned(SHOP, query, hers)
    for browser in (hers, victims):
        with suppress(RequestError):
            await stage.service.confirm(browser, flow_id=(await stage.service.result(browser)).id)


async def _victim_gets_our_link(stage: Stage) -> None:
    """Eve sends her link itself; the stranger clicks through everything that can be clicked."""
    link, victims = await stage.link(EVE), a_browser()
    await stage.service.look(link, None)
    with suppress(RequestError):
        await stage.service.send_code(link, victims)
        await stage.service.prove_code(link, victims, "00000000")
    with suppress(RequestError):
        url = await stage.service.go(link, victims)
        view = await stage.service.returned(SHOP, stage.outside.consent(url, "victim.myshopify.com", "V"), victims)
        await stage.service.confirm(victims, flow_id=view.id)


@pytest.mark.parametrize("attack", [_victim_gets_the_providers_page, _victim_gets_our_link])
@pytest.mark.parametrize("twin", [ConnectService, AnyBrowser, NoProof])
async def test_a_strangers_consent_never_becomes_a_grant_here(
    database: Database, tmp_path: Path, attack: object, twin: type[ConnectService]
) -> None:
    """T27: without proof nothing is exchanged and nothing is stored; each twin falls for one of the two."""
    catches = {(_victim_gets_the_providers_page, AnyBrowser), (_victim_gets_our_link, NoProof)}
    async with staged(database, tmp_path) as stage:
        await attack(stage.twin(twin))  # type: ignore[operator]  # one of the two above
        if (attack, twin) in catches:
            assert stage.outside.granted == ["victim.myshopify.com"]
            return
        assert stage.outside.granted == []
        assert stage.sources("org_b") == []
        if attack is _victim_gets_the_providers_page:
            assert [one.detail["reason"] for one in stage.entries("org_b") if one.action == "connect_failed"] == [
                "foreign_browser"
            ]


class KeepsNoCount(ConnectService):
    """A twin whose count of wrong codes is rolled back with the error."""

    async def prove_code(self, link: Secret, browser: Secret, code: str) -> None:
        try:
            await super().prove_code(link, browser, code)
        except WrongCodeError:
            flow_id = self._means.database.in_read(lambda session: _by_link(session, link))
            rewrite(self._means.database, flow_id, code_tries=0)
            raise


@pytest.mark.parametrize("twin", [ConnectService, KeepsNoCount])
async def test_five_wrong_codes_end_the_flow(database: Database, tmp_path: Path, twin: type[ConnectService]) -> None:
    async with staged(database, tmp_path) as plain:
        stage = plain.twin(twin)
        link, browser = await stage.link(), a_browser()
        await stage.service.send_code(link, browser)
        right = stage.code(link)
        left = []
        for _ in range(5):
            with pytest.raises(WrongCodeError) as wrong:
                await stage.service.prove_code(link, browser, "wrong")
            left.append(wrong.value.left)
        if twin is KeepsNoCount:
            await stage.service.prove_code(link, browser, right)
            return
        assert left == [4, 3, 2, 1, 0]
        with pytest.raises(FlowGoneError):
            await stage.service.prove_code(link, browser, right)
        assert stage.flow(link).reason == "too_many_tries"
        with pytest.raises(FlowGoneError):
            await stage.service.look(link, browser)


async def test_codes_are_few_and_only_the_newest_is_good(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        link, browser = await stage.link(), a_browser()
        codes = []
        for _ in range(3):
            await stage.service.send_code(link, browser)
            codes.append(stage.code(link))
        with pytest.raises(TooManyCodesError):
            await stage.service.send_code(link, browser)
        view = await stage.service.look(link, browser)
        assert (view.codes_left, view.tries_left, view.code_sent) == (0, 5, True)
        with pytest.raises(WrongCodeError):
            await stage.service.prove_code(link, browser, codes[0])
        await stage.service.prove_code(link, browser, f" {codes[2].replace(' ', '-')} ")
        assert stage.flow(link).state is FlowState.PROVEN
        with pytest.raises(FlowGoneError):
            await stage.service.prove_code(link, browser, codes[2])


async def test_a_code_is_good_for_its_own_link_and_browser_only(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        one, two, browser = await stage.link(), await stage.link(OLGA), a_browser()
        await stage.service.send_code(one, browser)
        await stage.service.send_code(two, browser)
        with pytest.raises(FlowGoneError):
            await stage.service.prove_code(one, a_browser(), stage.code(one))
        with pytest.raises(WrongCodeError):
            await stage.service.prove_code(two, browser, stage.code(one))


class OpenToAll(ConnectService):
    """A twin whose link belongs to whoever has it last."""

    async def go(self, link: Secret, browser: Secret, hint: str = "") -> str:
        flow_id = self._means.database.in_read(lambda session: _by_link(session, link))
        rewrite(self._means.database, flow_id, browser_hash=hash_of("browser", browser))
        return await super().go(link, browser, hint)


async def test_the_twin_of_a_link_that_is_bound(sqlite_database: Database, tmp_path: Path) -> None:
    """T34: what a thief of a proven link would get, were it not bound to its browser."""
    async with staged(sqlite_database, tmp_path) as stage:
        link, thief = await stage.proven(a_browser()), a_browser()
        assert (await stage.twin(OpenToAll).service.go(link, thief)).startswith("https://")
        again = await stage.proven(a_browser())
        with pytest.raises(FlowGoneError):
            await stage.service.go(again, thief)


async def test_a_stolen_link_opens_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    """T34: bound to the first browser, which is proven by the member's own Slack; over after 15 minutes or its use."""
    async with staged(sqlite_database, tmp_path) as stage:
        link, browser, thief = await stage.link(), a_browser(), a_browser()
        await stage.service.send_code(link, browser)
        for other in (thief, None):
            with pytest.raises(FlowGoneError):
                await stage.service.look(link, other)
        with pytest.raises(FlowGoneError):
            await stage.service.send_code(link, thief)
        with pytest.raises(FlowGoneError):
            await stage.service.go(link, thief)
        await stage.service.prove_code(link, browser, stage.code(link))
        with pytest.raises(FlowGoneError):
            await stage.service.go(link, thief)
        url = await stage.service.go(link, browser)
        await stage.service.returned(SHOP, stage.outside.consent(url, "a.myshopify.com", "A"), browser)
        with pytest.raises(FlowGoneError):
            await stage.service.go(link, browser)
        with pytest.raises(FlowGoneError):
            await stage.service.send_code(link, browser)


class LivesLong(ConnectService):
    """A twin whose links do not age."""

    async def look(self, link: Secret, browser: Secret | None) -> FlowView:
        flow_id = self._means.database.in_read(lambda session: _by_link(session, link))
        now = self._means.clock.now()
        rewrite(self._means.database, flow_id, created_at=now, expires_at=now + timedelta(minutes=15))
        return await super().look(link, browser)


class Burns(ConnectService):
    """A twin whose link is used up by whoever looks first: a mail scanner, a preview."""

    async def look(self, link: Secret, browser: Secret | None) -> FlowView:
        view = await super().look(link, browser)
        rewrite(self._means.database, view.id, link_hash=hash_of("link", a_browser()))
        return view


@pytest.mark.parametrize("twin", [ConnectService, LivesLong])
async def test_a_link_lives_fifteen_minutes(
    sqlite_database: Database, tmp_path: Path, twin: type[ConnectService]
) -> None:
    """T34, also when the person is at the provider by then."""
    async with staged(sqlite_database, tmp_path) as plain:
        stage = plain.twin(twin)
        browser = a_browser()
        link, sent = await stage.link(), await stage.proven(browser, OLGA)
        stage.clock.advance(timedelta(minutes=14))
        await stage.service.look(link, None)
        await stage.service.go(sent, browser)
        stage.clock.advance(timedelta(minutes=1, seconds=1))
        if twin is LivesLong:
            await stage.service.look(link, None)
            return
        for one, who in ((link, None), (sent, browser)):
            with pytest.raises(FlowGoneError):
                await stage.service.look(one, who)
        with pytest.raises(FlowGoneError):
            await stage.service.go(sent, browser)


@pytest.mark.parametrize("twin", [ConnectService, Burns])
async def test_scanners_and_previews_burn_nothing(
    sqlite_database: Database, tmp_path: Path, twin: type[ConnectService]
) -> None:
    """T35, T26: looking changes nothing, however often and by whomever."""
    async with staged(sqlite_database, tmp_path) as plain:
        stage = plain.twin(twin)
        link, browser = await stage.link(), a_browser()
        before = everything(sqlite_database)
        try:
            for scanner in (None, a_browser(), None, a_browser(), browser):
                await stage.service.look(link, scanner)
        except FlowGoneError:
            assert twin is Burns
            return
        assert twin is ConnectService
        assert everything(sqlite_database) == before
        await stage.service.send_code(link, browser)
        await stage.service.prove_code(link, browser, stage.code(link))


async def test_guessed_links_lead_nowhere(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        good = (await stage.link()).reveal()
        bad = ("x", "0" * 43, "é" * 40, "\x00", "A" * 10_000, "' or 1=1 --", "../..", "%00")
        for link in ("", *bad, *(good + more for more in bad), good.swapcase(), good[:-1], good[1:]):
            with pytest.raises(FlowGoneError):
                await stage.service.look(Secret(link), None)


async def test_the_same_trigger_again_gives_the_same_flow_a_new_link(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        first, second = await stage.link(trigger="t1"), await stage.link(trigger="t1")
        with pytest.raises(FlowGoneError):
            await stage.service.look(first, None)
        await stage.service.send_code(second, a_browser())
        with pytest.raises(TooLateError):
            await stage.link(trigger="t1")
        with pytest.raises(NotFoundError):
            await stage.link(OLGA, trigger="t1")
        assert stage.trail().count("connect_link") == 1


async def test_a_newer_link_takes_the_place_of_one_that_was_not_begun(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        begun = await stage.link()
        await stage.service.send_code(begun, browser := a_browser())
        old, others = await stage.link(), await stage.link(OLGA)
        new = await stage.link()
        with pytest.raises(FlowGoneError):
            await stage.service.look(old, None)
        for link, who in ((new, None), (others, None), (begun, browser)):
            await stage.service.look(link, who)


async def test_who_gets_a_link(database: Database, tmp_path: Path) -> None:
    """T08, T09, T11: by role, for the own organization's sources alone."""
    async with staged(database, tmp_path) as stage:
        with pytest.raises(NotAllowedError):
            await stage.link(PRIYA)
        with pytest.raises(NotAllowedError):
            await stage.link(SlackIdentity("T0A", "U0NOBODY"))
        theirs = (await stage.connected("e.myshopify.com", EVE)).source
        mine = (await stage.connected("1", provider=BOOKS)).source
        with pytest.raises(NotFoundError):
            await stage.link(source_id=theirs.id)
        with pytest.raises(NotFoundError):
            await stage.link(source_id=mine.id, provider=SHOP)
        with pytest.raises(AlreadyConnectedError) as already:
            await stage.link(provider=BOOKS)
        assert already.value.source == mine
        view = await stage.service.look(await stage.link(source_id=mine.id, provider=BOOKS), None)
        assert view.source == mine


async def test_a_code_goes_to_no_one_who_may_not_connect_any_more(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        link = await stage.link()
        stage.change(lambda session: demote(session, DANIEL))
        with pytest.raises(NotAllowedError):
            await stage.service.send_code(link, a_browser())
        assert stage.works == []


async def test_while_slack_does_not_tell_nobody_goes_on_and_nothing_is_lost(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        browser = a_browser()
        url = await stage.away(browser)
        query = stage.outside.consent(url, "a.myshopify.com", "A")
        stage.full[DANIEL] = None
        stage.clock.advance(timedelta(seconds=61))
        with pytest.raises(UnavailableError):
            await stage.service.returned(SHOP, query, browser)
        stage.full[DANIEL] = True
        view = await stage.service.returned(SHOP, query, browser)
        assert view.state is FlowState.RETURNED


async def test_nothing_that_opens_anything_is_stored_plainly(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        browser, link = a_browser(), await stage.link()
        await stage.service.send_code(link, browser)
        code = stage.code(link).replace(" ", "")
        dumps = [everything(database)]
        await stage.service.prove_code(link, browser, code)
        url = await stage.service.go(link, browser)
        query = stage.outside.consent(url, "a.myshopify.com", "A")
        dumps.append(everything(database))
        view = await stage.service.returned(SHOP, query, browser)
        dumps.append(everything(database))
        await stage.service.confirm(browser, flow_id=view.id)
        dumps.append(everything(database))
        secrets = [link.reveal(), browser.reveal(), code, dict(query)["state"], dict(query)["code"]]
        for dump in dumps:
            assert view.id.encode() in dump
            for secret in (*secrets, "access-", "refresh-"):
                assert secret.encode() not in dump
        assert all(len(mark) >= 43 for mark in (link.reveal(), dict(query)["state"]))
        # The broken twin: the code kept as it is would be found.
        rewrite(database, view.id, hint=code)
        assert code.encode() in everything(database)


async def test_the_catalogue_names_what_is_built(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        offers = {offer.provider: offer for offer in stage.service.catalogue()}
        assert offers.keys() >= {SHOP, BOOKS}
        assert offers[BOOKS].title == "QuickBooks"
        assert all(offer.help_url.startswith("https://") and offer.line for offer in offers.values())
        trigger = await stage.link()
        assert (await stage.service.look(trigger, None)).can_sign_in is False
        assert PUBLIC.startswith("https://")
