"""The form of a file server and a database: hostile input is refused, each part is tried, a key is believed once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Access, ProviderSettings, open_session
from connectors.errors import Broken, Reconnect
from connectors.grants import HintError, Pairs
from connectors.limits import Unlimited
from connectors.oauth import MemoryTokens
from connectors.pocketadvantage.connector import PocketAdvantageConnector
from connectors.pocketadvantage.declared import read_declared, write_declared
from connectors.pocketadvantage.fields import FILES, FORM, HOST_KEY, ORDERS, declared_of
from connectors.pocketadvantage.grant import PocketAdvantageGrants
from connectors.pocketadvantage.places import places_of
from connectors.tokens import Tokens
from sandbox.exchange.ftp import FtpServer
from sandbox.exchange.inventiv import Inventiv
from sandbox.exchange.sftp import SftpServer, make_key
from storage.facts.clock import SystemClock
from storage.facts.secret import Secret

CLOCK = SystemClock()
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHZBJDp7dYcDcYkQ6cVmqWdqTq8mPqo3xgWJ2rFZ8hHw"
SFTP = {
    "company": "Temerity Goods", "cust_id": "8812", "protocol": "sftp", "host": "127.0.0.1", "account": "dealer",
    "password": "sandbox-password", "host_key": KEY, "db_engine": "no_orders",
}  # fmt: skip
ORDERS_OF = {
    "db_engine": "postgresql", "db_host": "db.example.com", "db_name": "inventiv", "db_user": "reader",
    "db_password": "s3cret-db", "db_view": "public.v_orders_for_export",
}  # fmt: skip


def settings(folder: Path | str = "", *hosts: str) -> ProviderSettings:
    return ProviderSettings(
        "", Secret(""), str(folder), "", "", endpoints=hosts, place="exchange", organization="org_temerity"
    )


def pairs(typed: dict[str, str], **more: str) -> Pairs:
    return list({**typed, **more}.items())


#: What people, or whoever sits at their browser, might type: T82, T83, T88.
HOSTILE: list[tuple[str, str]] = [
    *(("host", one) for one in ("sftp://files.example.com", "a b", "a\r\nQUIT", "a..b", "-oProxyCommand=x", "x/../y", "")),
    *(("host", one) for one in ("user@host", "host?x=1", "files.example.com;rm", "１２７.0.0.1", "a" * 300, "[::1]")),
    *(("port", one) for one in ("-1", "80", "65536", "22 22", "0x16", "２２", "3306;", "23")),
    *(("account", one) for one in ("", "a b", "a\r\nDELE x", "a" * 129, "anonymous:x")),
    *(("folder", one) for one in ("..", "../x", "a/../b", "a//b", "a/./b", "-x", "a\\b", "a\nb", "C:/x", "a\x00", "．．")),
    *(("cust_id", one) for one in ("", "..", "a/b", "88 12", "x" * 65, "８８１２", "8812\n8813", "../x", "%2e%2e")),
    *(("host_key", one) for one in ("", "SHA256:abc", "ssh-ed25519", f"* {KEY}", f"{KEY} x\n@cert-authority", "x" * 4000)),
    *(("protocol", one) for one in ("", "http", "file", "local", "scp")),
    *(("private_key", one) for one in ("x", "file:///etc/keys/id", "x" * 20_000)),
    *(("encoding", one) for one in ("utf-16", "cp437")),
]  # fmt: skip
HOSTILE_ORDERS: list[tuple[str, str]] = [
    *(("db_host", one) for one in ("postgresql://h/d", "h?host=/var/run", "/var/run", "h,h2", "h options=-c", "", "h;a")),
    *(("db_name", one) for one in ("", "d?sslmode=disable", "d service=x", "d;drop", "../d", "d'--", "d/e", "d\x00", "..")),
    *(("db_view", one) for one in ("", "v;drop table x", "v where 1=1", "a.b.c", 'v"', "v--", "(select 1)", "v\nw", "1v")),
    *(("db_answers", one) for one in ("t;", "a b", "a.b.c")),
    *(("db_columns", one) for one in ("cust_no", "cust_no = a b", "nobody = x", "cust_no = x\ncust_no = y", "qty = 1+1")),
    *(("db_user", one) for one in ("", "u password=x", "-u", "u;", "u'")),
    *(("db_engine", one) for one in ("mysql", "mssql+pyodbc", "postgresql+psycopg2", "sqlite", "oracle")),
    *(("db_tls", one) for one in ("none", "encrypted", "disable", "prefer")),
    *(("db_port", one) for one in ("22", "70000", "-c")),
    ("db_cursor", "modified_at; drop"), ("db_password", ""), ("db_password", "a\nb"),
]  # fmt: skip


def _strict(typed: dict[str, str]) -> None:
    declared_of(typed, settings())


def _believing(typed: dict[str, str]) -> None:
    """The twin: what was typed is taken as it is."""
    declared_of(typed, settings(), whole=False)


@pytest.mark.parametrize("loses", [False, True])
def test_whatever_could_lead_elsewhere_is_refused(*, loses: bool) -> None:
    take = _believing if loses else _strict
    whole = SFTP | ORDERS_OF
    take(whole)
    taken: list[tuple[str, str]] = []
    told: list[tuple[str, str, str]] = []
    for name, value in (*HOSTILE, *HOSTILE_ORDERS):
        refused = _refused(take, whole | {name: value})
        if refused is None:
            taken.append((name, value))
        elif not loses:
            told.append((name, value, refused.at))
    assert bool(taken) is loses, taken
    # Each is told at its own field, so that the person sees where to look.
    assert [one for one in told if one[0] != one[2]] == []


def _refused(take: Any, typed: dict[str, str]) -> HintError | None:
    try:
        take(typed)
    except HintError as refused:
        return refused
    return None


def test_a_declaration_from_elsewhere_is_held_against_the_same(tmp_path: Path) -> None:
    """A seed file's, or one that was changed where it lies."""
    good = write_declared(declared_of(SFTP, settings())).reveal()
    assert read_declared(Secret(good)).cust_id == "8812"
    for text, words in (
        ("", "no JSON"), ("[" * 2000, "no JSON|another form"), ("{}", "another form"),
        (good.replace('"8812"', '"../x"'), "Customer id"), (good.replace('"company"', '"compan"'), "another form"),
        (good.replace('"sftp"', '"gopher"'), "another form at protocol"), (good.replace('"port":0', '"port":80'), "Port"),
    ):  # fmt: skip
        with pytest.raises(Broken, match=words) as refused:
            read_declared(Secret(text))
        assert "sandbox-password" not in str(refused.value)
    assert "sandbox-password" not in repr(read_declared(Secret(good)))
    # Whoever runs this installation set up no folder, and then one.
    local = SFTP | {"protocol": "local"}
    with pytest.raises(HintError, match="no folder of this machine is set up"):
        declared_of(local, settings())
    place, _ = places_of(declared_of(local, settings(tmp_path)), settings(tmp_path), "org_temerity")
    assert (place.account, place.password.reveal(), place.host) == ("", "", "")


def test_what_was_typed_comes_back_but_for_what_was_typed_unseen() -> None:
    typed = SFTP | ORDERS_OF | {
        "port": "2222", "folder": "exports/inventiv", "case": "upper", "encoding": "cp1252", "header": "no",
        "gap": "yes", "db_port": "5433", "db_columns": "cust_no = customer_code\nitem_no = sku", "passphrase": "",
        "db_answers": "public.order_answers", "db_answers_new": "yes", "db_cursor": "row_version", "plain": "no",
    }  # fmt: skip
    grants = PocketAdvantageGrants()
    again = grants.typed_again(write_declared(declared_of(typed, settings())))
    unseen = {one.name for one in FORM if one.secret}
    assert not unseen & again.keys()
    assert {name: value for name, value in typed.items() if value and name not in unseen} == {
        name: value for name, value in again.items() if name != "db_tls"
    }
    assert declared_of(dict(again) | {name: typed.get(name, "") for name in unseen}, settings()) == declared_of(
        typed, settings()
    )
    assert grants.typed_again(Secret("{}")) == {}


def test_choices_that_are_not_set_up_here_are_not_offered(tmp_path: Path) -> None:
    def offered(of: ProviderSettings) -> set[str]:
        return {choice.value for one in PocketAdvantageGrants().form_here(of) for choice in one.choices}

    bare, whole = offered(settings()), offered(settings(tmp_path, "localhost"))
    assert whole - bare == {"local", "sqlite", "none"}
    assert offered(settings("", "files.internal")) == bare


async def test_a_host_key_is_fetched_confirmed_and_pinned(tmp_path: Path) -> None:
    grants, here = PocketAdvantageGrants(), settings("", "127.0.0.1")
    with SftpServer(tmp_path) as server:
        typed = SFTP | {"port": str(server.port), "host_key": ""}
        with pytest.raises(HintError, match="Fetch the host key") as asked:
            await grants.tested(here, pairs(typed), FILES, CLOCK)
        assert asked.value.at == "host_key"
        found = await grants.tested(here, pairs(typed), HOST_KEY, CLOCK)
        shown = server.key.get_fingerprint()
        assert (found.typed["host_key"], found.parts[HOST_KEY].good) == (" ".join(server.host_key.split()[:2]), True)
        assert shown in found.parts[HOST_KEY].lines[0]
        confirmed = {**typed, **found.typed}
        answer = (await grants.tested(here, pairs(confirmed), FILES, CLOCK)).parts[FILES]
        assert answer.good
        assert any("puts one file in the place" in line for line in answer.lines)
        assert any(shown in line for line in answer.lines)
        await grants.tried(here, pairs(confirmed), CLOCK)
        with pytest.raises(HintError, match="refuse") as refused:
            await grants.tested(here, pairs(confirmed, password="wrong"), FILES, CLOCK)
        assert refused.value.at == "account"
        warned = (await grants.tested(here, pairs(confirmed, host_key=KEY), HOST_KEY, CLOCK)).parts[HOST_KEY]
        assert not warned.good
        assert "another key than the one that was confirmed" in warned.lines[0]


class Trusting(PocketAdvantageConnector):
    """The twin: believes whatever key the server shows today."""

    async def probe(self, session: Any) -> Any:
        """Fetch the key, and believe it."""
        from connectors.pocketadvantage.places import reach_of
        from connectors.pocketadvantage.transfer.sftp import fetch_host_key

        declared, here = session.declared, session.access.settings
        key = await fetch_host_key(declared.host, declared.port, reach_of(here))
        changed = write_declared(_with_key(declared, key.text))
        access = replace(session.access, tokens=MemoryTokens(Tokens(changed)))
        async with open_session(PocketAdvantageConnector(), access) as again:
            return await super().probe(again)


def _with_key(declared: Any, key: str) -> Any:
    import msgspec

    return msgspec.structs.replace(declared, host_key=key)


@pytest.mark.parametrize("loses", [False, True])
async def test_a_changed_host_key_is_a_lost_connection(tmp_path: Path, *, loses: bool) -> None:
    """T87: nothing is sent, both fingerprints are said, and only reconnecting leads on."""
    connector = Trusting() if loses else PocketAdvantageConnector()
    first, second = make_key(), make_key()
    here = settings("", "127.0.0.1")

    def access(server: SftpServer) -> Access:
        confirmed = " ".join(first.export_public_key().decode().split()[:2])
        declared = write_declared(declared_of(SFTP | {"port": str(server.port), "host_key": confirmed}, here))
        return Access("8812", here, MemoryTokens(Tokens(declared)), CLOCK, Unlimited(), organization="org_temerity")

    with SftpServer(tmp_path, key=first) as server:
        async with open_session(PocketAdvantageConnector(), access(server)) as session:
            assert (await connector.probe(session)).id == "8812"
    with SftpServer(tmp_path, key=second) as server:
        async with open_session(PocketAdvantageConnector(), access(server)) as session:
            if loses:
                assert (await connector.probe(session)).id == "8812"
                return
            with pytest.raises(Reconnect) as lost:
                await connector.probe(session)
    assert first.get_fingerprint() in lost.value.detail
    assert second.get_fingerprint() in lost.value.detail


INSIDE = ("127.0.0.1", "localhost", "::1")


@pytest.mark.parametrize("loses", [False, True])
async def test_no_server_of_our_own_network_is_reached(*, loses: bool) -> None:
    """T83, by every button of the form; the twin is an operator who named them all."""
    grants, here = PocketAdvantageGrants(), settings("", *(INSIDE if loses else ()))
    for host in INSIDE:
        for test, typed in ((HOST_KEY, {"host": host}), (FILES, {"host": host}), (ORDERS, {"db_host": host})):
            # No server listens there: whoever is let through hears of that.
            told = SFTP | ORDERS_OF | {"host": "files.example.com", "port": "1025", "db_port": "1025"} | typed
            with pytest.raises(HintError) as refused:
                await grants.tested(here, pairs(told), test, CLOCK)
            assert ("cannot be used" in str(refused.value)) is not loses, (host, test, str(refused.value))


async def test_plain_ftp_is_an_admins_own_choice(tmp_path: Path) -> None:
    grants, here = PocketAdvantageGrants(), settings("", "127.0.0.1")
    with FtpServer(tmp_path) as server:
        typed = SFTP | {"protocol": "ftp", "port": str(server.port)}
        with pytest.raises(HintError, match="can be read on their way") as asked:
            await grants.tested(here, pairs(typed), FILES, CLOCK)
        assert asked.value.at == "plain"
        answer = await grants.tested(here, pairs(typed, plain="yes"), FILES, CLOCK)
        assert answer.parts[FILES].good


async def test_a_folder_and_a_file_of_orders_are_tried_in_the_organizations_own_place(tmp_path: Path) -> None:
    grants, here = PocketAdvantageGrants(), settings(tmp_path)
    mine = tmp_path / "org_temerity"
    mine.mkdir(mode=0o700)
    Inventiv(mine / "inventiv.db", "8812", ["1"], [])
    typed = SFTP | {
        "protocol": "local", "db_engine": "sqlite", "db_name": "inventiv.db", "db_view": "v_orders_for_export",
    }  # fmt: skip
    await grants.tried(here, pairs(typed), CLOCK)
    assert [one.name for one in (mine / "latest8812").iterdir()] == []
    answer = await grants.tested(here, pairs(typed), ORDERS, CLOCK)
    assert answer.parts[ORDERS].lines[:2] == ("The database works.", "0 orders of 8812 can be read now.")
    with pytest.raises(HintError) as refused:
        await grants.tested(here, pairs(typed, db_view="order_line"), ORDERS, CLOCK)
    assert (refused.value.at, "has no column" in str(refused.value)) == ("db_view", True)
    with pytest.raises(HintError, match="sent twice"):
        await grants.tried(here, [*pairs(typed), ("company", "x")], CLOCK)
