"""What may come back from a provider: one answer, to the question that was asked, by the browser that asked it."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.base import ProviderSettings
from connectors.grants import HintError, Pairs, Returned
from jobs.connecting.marks import hash_of
from jobs.connecting.service import ConnectService
from jobs.connecting.views import FlowView
from jobs.errors import FlowGoneError
from storage.facts.flows import Flow, FlowState
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Provider
from storage.records import flows, sources
from storage.sessions import Database
from tests.jobs.connecting.pretend import PretendGrants
from tests.jobs.connecting.stage import BOOKS, EVE, OLGA, PUBLIC, SHOP, Stage, a_browser, rewrite, staged

Query = list[tuple[str, str]]


def _asked(stage: Stage, query: Query) -> Flow | None:
    state = Secret(dict(query).get("state", ""))
    return stage.database.in_read(lambda session: flows.by_state(session, hash_of("state", state)))


class TrustsTheCookie(ConnectService):
    """A twin that takes whatever comes to the browser for the answer to what that browser asked."""

    async def returned(self, provider: Provider, query: Pairs, browser: Secret) -> FlowView:
        shown = hash_of("state", Secret(dict(query)["state"]))
        database = self._means.database
        foreign = database.in_read(lambda session: flows.by_state(session, shown))
        mine = database.in_read(lambda session: flows.of_browser(session, hash_of("browser", browser)))
        if foreign and mine:
            rewrite(database, foreign.id, state_hash=None)
            rewrite(database, mine[0].id, state_hash=shown)
        return await super().returned(provider, query, browser)


@pytest.mark.parametrize("twin", [ConnectService, TrustsTheCookie])
async def test_a_foreign_answer_lands_nowhere(database: Database, tmp_path: Path, twin: type[ConnectService]) -> None:
    """T28: Daniel's browser is fed Eve's state and code while a flow of his own is open."""
    async with staged(database, tmp_path) as plain:
        grants = PretendGrants(SHOP, plain.outside, checks_verifier=False)
        stage = plain.twin(twin, grants_for=lambda _provider: grants)
        his, hers = a_browser(), a_browser()
        own_url = await stage.away(his)
        evil = stage.outside.consent(await stage.away(hers, EVE), "evil.myshopify.com", "Evil")
        try:
            view = await stage.service.returned(SHOP, evil, his)
        except FlowGoneError:
            assert twin is ConnectService
        else:
            assert twin is TrustsTheCookie
            assert view.account == "evil.myshopify.com"
            return
        assert stage.outside.granted == []
        # His own goes on; hers is over, since its state was seen in another browser.
        view = await stage.service.returned(SHOP, stage.outside.consent(own_url, "a.myshopify.com", "A"), his)
        assert view.state is FlowState.RETURNED
        with pytest.raises(FlowGoneError):
            await stage.service.returned(SHOP, evil, hers)


STATES = (
    "",
    " ",
    "x",
    "0",
    "null",
    "None",
    "undefined",
    "true",
    "[]",
    "{}",
    "\x00",
    "\n",
    "%00",
    "é",
    "´",
    "\ud800",
    "😀" * 20,
    "a" * 10_000,
    "../../etc/passwd",
    "' or '1'='1",
    "<script>alert(1)</script>",
    "=" * 44,
    "-" * 43,
    "_" * 43,
)
SPOILT = (
    lambda state: state + "=",
    lambda state: state[:-1],
    lambda state: state[1:],
    lambda state: state + " ",
    lambda state: " " + state,
    lambda state: state.swapcase(),
    lambda state: state + "\n",
    lambda state: state + state,
    lambda state: state[::-1],
    lambda state: hash_of("state", Secret(state)),
)


class Forgiving(ConnectService):
    """A twin that tidies a state up before it looks for it."""

    async def returned(self, provider: Provider, query: Pairs, browser: Secret) -> FlowView:
        tidied = [(name, value.strip().rstrip("=") if name == "state" else value) for name, value in query]
        return await super().returned(provider, list(dict(reversed(tidied)).items()), browser)


async def test_the_table_sees_a_flow_that_is_forgiving(sqlite_database: Database, tmp_path: Path) -> None:
    """T29: the twin takes a state with something around it, and the first of two."""
    async with staged(sqlite_database, tmp_path) as stage:
        service = stage.twin(Forgiving).service
        for spoil in (lambda query: [("state", query[0][1] + "="), *query[1:]], lambda query: [*query, ("state", "x")]):
            browser = a_browser()
            query = stage.outside.consent(await stage.away(browser), "a.myshopify.com", "A")
            assert (await service.returned(SHOP, spoil(query), browser)).state is FlowState.RETURNED


async def test_guessed_and_spoilt_states(sqlite_database: Database, tmp_path: Path) -> None:
    """T29: each is gone, and the true one still works after all of them."""
    async with staged(sqlite_database, tmp_path) as stage:
        browser = a_browser()
        query = stage.outside.consent(await stage.away(browser), "a.myshopify.com", "A")
        true = dict(query)["state"]
        for bad in (*STATES, *(spoil(true) for spoil in SPOILT)):
            for tried in ([("state", bad), *query[1:]], query[1:], [*query, ("state", bad)], [*query, query[0]]):
                with pytest.raises(FlowGoneError):
                    await stage.service.returned(SHOP, tried, browser)
        assert stage.outside.granted == []
        assert (await stage.service.returned(SHOP, query, browser)).state is FlowState.RETURNED


class Replays(ConnectService):
    """A twin whose state may come back again."""

    async def returned(self, provider: Provider, query: Pairs, browser: Secret) -> FlowView:
        view = await super().returned(provider, query, browser)
        shown = hash_of("state", Secret(dict(query)["state"]))
        later = self._means.clock.now() + timedelta(minutes=10)
        rewrite(self._means.database, view.id, state=FlowState.SENT, state_hash=shown, grant=None, expires_at=later)
        return view


class NeverLate(ConnectService):
    """A twin whose states do not age."""

    async def returned(self, provider: Provider, query: Pairs, browser: Secret) -> FlowView:
        shown = hash_of("state", Secret(dict(query)["state"]))
        found = self._means.database.in_read(lambda session: flows.by_state(session, shown))
        assert found is not None
        rewrite(self._means.database, found.id, expires_at=self._means.clock.now() + timedelta(minutes=10))
        return await super().returned(provider, query, browser)


@pytest.mark.parametrize("twin", [ConnectService, Replays])
async def test_a_state_comes_back_once(database: Database, tmp_path: Path, twin: type[ConnectService]) -> None:
    """T29: also with a fresh code behind it."""
    async with staged(database, tmp_path) as plain:
        grants = PretendGrants(SHOP, plain.outside, checks_verifier=False)
        stage = plain.twin(twin, grants_for=lambda _provider: grants)
        browser = a_browser()
        url = await stage.away(browser)
        await stage.service.returned(SHOP, stage.outside.consent(url, "a.myshopify.com", "A"), browser)
        again = stage.outside.consent(url, "b.myshopify.com", "B")
        if twin is Replays:
            await stage.service.returned(SHOP, again, browser)
            assert len(stage.outside.granted) == 2
            return
        with pytest.raises(FlowGoneError):
            await stage.service.returned(SHOP, again, browser)
        assert stage.outside.granted == ["a.myshopify.com"]


@pytest.mark.parametrize("twin", [ConnectService, NeverLate])
async def test_a_state_lives_ten_minutes(sqlite_database: Database, tmp_path: Path, twin: type[ConnectService]) -> None:
    async with staged(sqlite_database, tmp_path) as plain:
        stage = plain.twin(twin)
        browser = a_browser()
        query = stage.outside.consent(await stage.away(browser), "a.myshopify.com", "A")
        stage.clock.advance(timedelta(minutes=10, seconds=1))
        if twin is NeverLate:
            assert (await stage.service.returned(SHOP, query, browser)).state is FlowState.RETURNED
            return
        with pytest.raises(FlowGoneError):
            await stage.service.returned(SHOP, query, browser)
        assert stage.outside.granted == []


async def test_only_the_newest_way_out_counts(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        browser = a_browser()
        link = await stage.proven(browser)
        first = await stage.service.go(link, browser)
        second = await stage.service.go(link, browser)
        with pytest.raises(FlowGoneError):
            await stage.service.returned(SHOP, stage.outside.consent(first, "a.myshopify.com", "A"), browser)
        query = stage.outside.consent(second, "a.myshopify.com", "A")
        assert (await stage.service.returned(SHOP, query, browser)).state is FlowState.RETURNED


@pytest.mark.parametrize("checks", [True, False])
async def test_an_injected_code_is_refused(sqlite_database: Database, tmp_path: Path, checks: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """T30: the verifier belongs to the row of the state; the twin is a provider without PKCE."""
    async with staged(sqlite_database, tmp_path) as plain:
        grants = PretendGrants(SHOP, plain.outside, checks_verifier=checks)
        stage = plain.twin(ConnectService, grants_for=lambda _provider: grants)
        browser = a_browser()
        own, other = await stage.away(browser), await stage.away(a_browser(), OLGA)
        stolen = dict(stage.outside.consent(other, "evil.myshopify.com", "Evil"))["code"]
        query = [*stage.outside.consent(own, "a.myshopify.com", "A")[:1], ("code", stolen)]
        view = await stage.service.returned(SHOP, query, browser)
        if not checks:
            assert view.account == "evil.myshopify.com"
            return
        assert view.state is FlowState.FAILED
        assert stage.outside.granted == []


async def test_a_verifier_or_a_grant_of_another_row_does_not_open(sqlite_database: Database, tmp_path: Path) -> None:
    """T30, T58: whoever can write the sqlite_database cannot let one flow use another's."""
    async with staged(sqlite_database, tmp_path) as stage:
        one, two = a_browser(), a_browser()
        url, other = await stage.away(one), await stage.away(two, OLGA)
        mine = stage.outside.consent(url, "a.myshopify.com", "A")
        first, second = _asked(stage, mine), _asked(stage, stage.outside.consent(other, "b.myshopify.com", "B"))
        assert first
        assert second
        swapped = stage.database.in_read(lambda session: flows.sealed_verifier(session, second.id))
        rewrite(sqlite_database, first.id, verifier=swapped)
        view = await stage.service.returned(SHOP, mine, one)
        assert (view.state, view.reason) == (FlowState.FAILED, "unreadable")


class AnyProvider(ConnectService):
    """A twin with one callback for all providers."""

    async def returned(self, provider: Provider, query: Pairs, browser: Secret) -> FlowView:
        shown = hash_of("state", Secret(dict(query)["state"]))
        found = self._means.database.in_read(lambda session: flows.by_state(session, shown))
        return await super().returned(found.provider if found else provider, query, browser)


@pytest.mark.parametrize("twin", [ConnectService, AnyProvider])
async def test_the_answer_of_one_provider_is_none_of_another(
    sqlite_database: Database, tmp_path: Path, twin: type[ConnectService]
) -> None:
    """T31: each has an address of its own to come back to, and only its own states count there."""
    async with staged(sqlite_database, tmp_path) as plain:
        stage = plain.twin(twin)
        browser = a_browser()
        url = await stage.away(browser)
        assert parse_qs(urlsplit(url).query)["redirect_uri"] == [f"{PUBLIC}/connect/shopify/callback"]
        books = parse_qs(urlsplit(await stage.away(a_browser(), OLGA, BOOKS)).query)
        assert books["redirect_uri"] == [f"{PUBLIC}/connect/quickbooks/callback"]
        query = stage.outside.consent(url, "a.myshopify.com", "A")
        if twin is AnyProvider:
            assert (await stage.service.returned(BOOKS, query, browser)).state is FlowState.RETURNED
            return
        with pytest.raises(FlowGoneError):
            await stage.service.returned(BOOKS, query, browser)
        assert stage.outside.granted == []
        assert (await stage.service.returned(SHOP, query, browser)).state is FlowState.RETURNED


class CodeBeatsError(PretendGrants):
    """A twin that does not look at the error when there is a code."""

    def returned(self, settings: ProviderSettings, query: Pairs, *, hint: str, now: datetime) -> Returned:
        calm = [pair for pair in query if pair[0] != "error"]
        return super().returned(settings, calm, hint=hint, now=now)


class Panics(ConnectService):
    """A twin that takes a refused reconnect for a lost connection."""

    async def returned(self, provider: Provider, query: Pairs, browser: Secret) -> FlowView:
        view = await super().returned(provider, query, browser)
        if view.state is FlowState.FAILED and view.source is not None:
            lost, now = view.source.id, self._means.clock.now()
            self._means.database.in_write(
                lambda session: sources.set_connection(session, lost, ConnectionState.DISCONNECTED, "no", now)
            )
        return view


ERRORS: tuple[Query, ...] = (
    [("error", "access_denied")],
    [("error", "access_denied"), ("error_description", "<script>alert(1)</script>")],
    [("error", '"><img src=x onerror=alert(1)>')],
    [("error", "server_error"), ("error_uri", "javascript:alert(1)")],
    [("error", "")],
    [("error", "a"), ("error", "b")],
    [("code", "")],
    [],
)


#: Without and with a code beside the error.
REFUSALS = [(error, False) for error in ERRORS] + [
    (error, True) for error in ERRORS if error and error[0][0] == "error"
]


@pytest.mark.parametrize("twin", [ConnectService, Panics])
async def test_a_refusal_changes_nothing(sqlite_database: Database, tmp_path: Path, twin: type[ConnectService]) -> None:
    """T39: the state is used up, the words are ours, the connection from before is as it was."""
    async with staged(sqlite_database, tmp_path) as plain:
        before = (await plain.connected("a.myshopify.com")).source
        stage = plain.twin(twin, grants_for=lambda provider: CodeBeatsError(provider, plain.outside))
        for error, with_code in REFUSALS:
            browser = a_browser()
            query = stage.outside.consent(await stage.away(browser, source_id=before.id), "a.myshopify.com", "A")
            answer = [query[0], *error, *(query[1:2] if with_code else [])]
            view = await stage.service.returned(SHOP, answer, browser)
            assert view.state is FlowState.FAILED
            assert view.said
            assert not {"<", "alert"} & {*view.said, *view.said.split()}
            if twin is Panics:
                assert stage.sources()[0].connection is ConnectionState.DISCONNECTED
                return
            assert stage.sources() == [before]
            assert stage.outside.granted == ["a.myshopify.com"]
            with pytest.raises(FlowGoneError):
                await stage.service.returned(SHOP, query, browser)
            assert (await stage.service.result(browser)).said == view.said


async def test_a_code_beside_an_error_is_nobodys_yes(sqlite_database: Database, tmp_path: Path) -> None:
    """T39: the consent of this provider does not look; the flow does. The twin is the query without the error."""
    async with staged(sqlite_database, tmp_path) as plain:
        stage = plain.twin(ConnectService, grants_for=lambda provider: CodeBeatsError(provider, plain.outside))
        for error in ([("error", "access_denied")], []):
            browser = a_browser()
            query = [*stage.outside.consent(await stage.away(browser), "a.myshopify.com", "A"), *error]
            view = await stage.service.returned(SHOP, query, browser)
            assert view.state is (FlowState.FAILED if error else FlowState.RETURNED)
        assert len(stage.outside.granted) == 1


@pytest.mark.parametrize(
    "outcome, reason", [("retry", "unavailable"), ("broken", "odd"), ("reconnect", "invalid_grant")]
)
async def test_a_failed_exchange_says_what_to_do(
    sqlite_database: Database, tmp_path: Path, outcome: str, reason: str
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.outside.script("exchange", outcome)
        browser = a_browser()
        query = stage.outside.consent(await stage.away(browser), "a.myshopify.com", "A")
        view = await stage.service.returned(SHOP, query, browser)
        assert (view.state, view.reason) == (FlowState.FAILED, reason)
        assert view.said
        assert "Shopify" in view.said
        assert "Start again in Slack" in view.said
        assert stage.sources() == []
        assert "connect_failed" in stage.trail()


class LetsAnythingPass(PretendGrants):
    """A twin whose consent takes what was typed for an address."""

    def read_hint(self, text: str) -> str:
        return text


ADDRESSES = (
    "//evil.example",
    "https://evil.example",
    "https:evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "evil.example/%2f..",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://tidings.example@evil.example",
    "https://tidings.example.evil.example",
    "a b",
    "a\nb",
    "a?next=https://evil.example",
    "a#https://evil.example",
    "%2f%2fevil.example",
)
NAMES = ("next", "return_to", "redirect_uri", "redirect", "host", "url", "amazon_callback_uri", "continue")


async def test_no_address_from_outside_leads_a_browser_away(sqlite_database: Database, tmp_path: Path) -> None:
    """T36: what was typed is the provider's form or refused; nothing in a query is an address to go on to."""
    async with staged(sqlite_database, tmp_path) as stage:
        strict = PretendGrants(SHOP, stage.outside, asks=True)
        lax = LetsAnythingPass(SHOP, stage.outside, asks=True)
        service = stage.twin(ConnectService, grants_for=lambda _provider: strict).service
        twin = stage.twin(ConnectService, grants_for=lambda _provider: lax).service
        browser = a_browser()
        link = await stage.proven(browser)
        for address in ADDRESSES:
            with pytest.raises(HintError):
                await service.go(link, browser, address)
            assert "evil" not in address or "evil" in await twin.go(link, browser, address)
        url = await service.go(link, browser, "ashop")
        assert url.startswith("https://shopify.tokens.example/authorize?")
        more = [(f"{name}{number}", address) for name in NAMES for number, address in enumerate(ADDRESSES)]
        query = [*stage.outside.consent(url, "a.myshopify.com", "A"), *((name, ADDRESSES[0]) for name in NAMES), *more]
        view = await service.returned(SHOP, query, browser)
        assert view.state is FlowState.RETURNED
        assert "evil" not in str(replace(view, hint=None))
