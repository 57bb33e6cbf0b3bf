"""All stand-ins together: one clock, one environment, nothing but loopback."""

import json
import socket
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from bot.cli.isolated import isolated_settings
from connectors.shopify.documents.app import SCOPES
from sandbox.providers import catalogue
from sandbox.world import SEED_FILE, Plan, Sandbox, open_sandbox, sandbox_in_thread
from storage.facts.clock import OffsetClock
from storage.facts.sources import Provider
from storage.seal import new_key
from storage.seed_file import load_seed
from storage.settings import Settings
from tests.waiting import eventually

SMALL = Plan(size=5)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with sandbox_in_thread(SMALL) as outside:
        yield outside.sandbox


def test_the_environment_is_all_that_the_product_needs(sandbox: Sandbox) -> None:
    settings = isolated_settings({**sandbox.environment(), "SECRET_KEYS": new_key()})
    assert not settings.socket_mode
    assert settings.slack_api_url == sandbox.slack.api_url
    assert isolated_settings({**sandbox.environment(), **sandbox.socket_mode(), "SECRET_KEYS": new_key()}).socket_mode


def test_everything_listens_on_this_machine_only_and_on_ports_of_its_own(sandbox: Sandbox) -> None:
    urls = [value for value in sandbox.environment().values() if "://" in value]
    assert {urlsplit(url).hostname for url in urls} == {"127.0.0.1"}
    assert len({urlsplit(url).port for url in urls}) == 8
    assert not [value for value in sandbox.environment() if value.lower() not in Settings.model_fields]


def test_the_seed_file_finds_its_secrets_here(sandbox: Sandbox) -> None:
    seed = load_seed(SEED_FILE, sandbox.credentials())
    people = {member.user for workspace in seed.workspaces for member in workspace.members}
    assert people <= set(sandbox.slack.world.people)
    assert {source.account for source in seed.sources} == {catalogue.REALM, catalogue.SHOP}
    for workspace in seed.workspaces:
        assert set(workspace.channels) <= set(sandbox.slack.world.channels)
    assert f"{seed.support.team if seed.support else ''}/C0DATASUP" == seed.organization.support_channel


def test_business_changes_both_providers(sandbox: Sandbox) -> None:
    def counts() -> tuple[int, int]:
        books, shop = sandbox.quickbooks.books[catalogue.REALM], sandbox.shopify.shops[catalogue.SHOP]
        return len(books.truth("Invoice")), len(shop.truth("Order"))

    before = counts()
    for _ in range(5):
        sandbox.business(new=3, changed=1)
    after = counts()
    assert after[0] > before[0]
    assert after[1] > before[1]


def test_time_passes_for_everybody() -> None:
    clock = OffsetClock()
    with sandbox_in_thread(SMALL, clock) as outside:
        before = outside.sandbox.slack.core.clock.now()
        outside.sandbox.pass_time(timedelta(hours=3))
        for part in (outside.sandbox.slack.core, outside.sandbox.quickbooks, outside.sandbox.shopify):
            assert part.clock.now() - before >= timedelta(hours=3)


async def test_business_goes_on_by_itself() -> None:
    async with open_sandbox(Plan(size=5, change_seconds=0.02)) as sandbox:
        assert await eventually(lambda: sandbox.changes)


def test_a_port_that_is_taken_is_told_where_it_was_asked_for() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(OSError, match="ddress already in use"),
            sandbox_in_thread(Plan(size=5, shopify_port=taken.getsockname()[1])),
        ):
            pass


def test_the_page_is_there(sandbox: Sandbox) -> None:
    with urllib.request.urlopen(f"{sandbox.slack.url}/", timeout=60) as answer:
        assert b"Temerity Goods" in answer.read()
    with urllib.request.urlopen(f"{sandbox.slack.url}/_sandbox/info", timeout=60) as answer:
        assert json.load(answer)


def test_afterwards_nothing_listens() -> None:
    with sandbox_in_thread(SMALL) as outside:
        ports = [urlsplit(value).port for value in outside.sandbox.environment().values() if "://" in value]
    for port in {port for port in ports if port}:
        with socket.socket() as free:
            assert free.connect_ex(("127.0.0.1", port)) != 0


def test_the_seeded_shop_has_all_that_the_app_asks_for(sandbox: Sandbox) -> None:
    seed = load_seed(SEED_FILE, sandbox.credentials())
    (shop,) = (one for one in seed.sources if one.provider is Provider.SHOPIFY)
    assert shop.credentials is not None
    assert tuple(shop.credentials.scopes) == SCOPES
