"""Mailboxes over the wire: proven servers only, nothing but reads, and an outage is never taken for a refusal."""

import contextlib
import imaplib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.mailed.imap import Mailbox as Reader
from connectors.mailed.imap import _instant
from sandbox.providers.netsuite import RULES
from sandbox.providers.netsuite.mailbox import Mailbox
from sandbox.providers.serve import serve
from storage.facts.secret import Secret
from tests.connectors.certificates import EXPIRED, OTHER_HOST, RIGHT, SELF_SIGNED, authority, server_side
from tests.connectors.mailed.post import Post, post


@dataclass
class Served:
    """A mailbox that is served, and a connection to it."""

    box: Mailbox
    office: Post

    def declare(self, **more: Any) -> None:
        """Name the mailbox and its password."""
        named = {"store": "imap", "endpoint": f"127.0.0.1:{self.box.port}", "user": self.box.user, "mail": RULES,
                 "secret": self.box.password}  # fmt: skip
        self.office.here.declare(self.office.feed(), **{**named, **more})

    def deliver(self, minutes: float, **more: Any) -> None:
        """Mail the ledger as it is."""
        mail = self.office.mail(minutes, **more)
        self.box.put(mail.raw, self.office.here.at(minutes) + timedelta(seconds=10))


@contextlib.asynccontextmanager
async def served(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, certificate: str = RIGHT, listed: bool = True
) -> AsyncIterator[Served]:
    path = folder / "authority.pem"
    path.write_text(authority())
    # Where OpenSSL looks.
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    office = post(folder / "in")
    async with Mailbox().serve(server_side(certificate, folder)) as box:
        world = office.here.world
        endpoints = (f"imaps://127.0.0.1:{box.port}",) if listed else ()
        world.access = replace(world.access, settings=replace(world.access.settings, endpoints=endpoints))
        made = Served(box, office)
        made.declare()
        office.here.netsuite.post(12, date(2026, 11, 1))
        yield made


async def test_a_mailbox_is_read_like_a_folder_and_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path, monkeypatch) as made:
        here, box = made.office.here, made.box
        made.deliver(0)
        done = await here.world.collect()  # a mail is there whole: it is not waited for
        here.assert_same()
        assert done.source_as_of == here.at(0)
        here.netsuite.mutate(changed=3, removed=0)
        here.world.clock.advance(timedelta(hours=1))
        made.deliver(30)
        made.deliver(20, sender="x@evil.example")
        here.netsuite.mutate(changed=3, removed=0)
        made.deliver(10)
        done = await here.world.collect()
        here.assert_same()
        assert [note[:20] for note in done.notes] == ["1 mail was put aside"]
        box.asked.clear()
        await here.world.collect()
        assert not [said for said in box.asked if "BODY" in said]
        # Numbers that mean others by now: everything is looked at anew, and nothing is loaded twice.
        box.validity, listed = 8, len([one for one in here.rows("files").values() if one["fate"] == "loaded"])
        done = await here.world.collect()
        assert (done.source_as_of, len([one for one in here.rows("files").values() if one["fate"] == "loaded"])) == (
            here.at(10), listed,
        )  # fmt: skip
        assert len([said for said in box.asked if "BODY" in said]) == 4
        verbs = {said.split(" ")[0] for said in box.asked}
        assert verbs == {"CAPABILITY", "AUTHENTICATE", "EXAMINE", "UID", "LOGOUT"}
        assert not [said for said in box.asked if "BODY[" in said and "BODY.PEEK[" not in said]
        box.can = ""
        await here.world.collect()
        assert f"LOGIN {box.user}" in box.asked
        box.mails.clear()
        assert (await here.world.collect()).source_as_of == here.at(10)


@pytest.mark.parametrize(
    "change, kind, code",
    [
        ({"secret": "another"}, Reconnect, "grant_refused"),
        ({"user": "somebody@temeritygoods.example"}, Reconnect, "grant_refused"),
        ({"folder": "Reports"}, Broken, "folder_missing"),
        ({"folder": 'x" (UNSEEN'}, Broken, "feeds_malformed"),
        ({"user": "a\r\nx LOGOUT"}, Broken, "feeds_malformed"),
        ({"endpoint": "169.254.169.254"}, Broken, "endpoint_unknown"),
        ({"endpoint": "127.0.0.1:22"}, Broken, "endpoint_unknown"),
        ({"endpoint": "mail.evil.example"}, Broken, "endpoint_unknown"),
        ({"endpoint": "imap.gmail.com:993"}, Broken, "feeds_malformed"),
        ({"endpoint": "localhost"}, Broken, "feeds_malformed"),
        ({"mail": None}, Broken, "feeds_malformed"),
        ({"mail": {**RULES, "senders": []}}, Broken, "feeds_malformed"),
        ({"mail": {**RULES, "senders": ["*@temeritygoods.example"]}}, Broken, "feeds_malformed"),
        ({"mail": {**RULES, "receiver": "mx; dkim=pass"}}, Broken, "feeds_malformed"),
    ],
)
async def test_what_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], kind: type, code: str
) -> None:
    async with served(tmp_path, monkeypatch) as made:
        made.declare(**change)
        with pytest.raises(ConnectorError) as caught:
            await made.office.here.world.collect()
        assert (type(caught.value), caught.value.code) == (kind, code)
        assert made.box.password not in str(caught.value)
        assert made.box.user not in str(caught.value)


async def test_an_outage_is_no_refusal_and_the_data_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path, monkeypatch) as made:
        here, box = made.office.here, made.box
        made.deliver(60)
        await here.world.collect()
        made.deliver(30)
        held = dict(here.rows())
        for trouble in ("[UNAVAILABLE] Temporary authentication failure", "Too many simultaneous connections"):
            box.trouble.append(trouble)
            with pytest.raises(Retry):
                await here.world.collect()
        box.drops = 1
        with pytest.raises(Retry):
            await here.world.collect()
        box.lie = 1 << 40
        with pytest.raises(Retry):
            await here.world.collect()
        box.lie = 0
        nines = "9" * 5000
        for instead in (
            f'* 1 FETCH (UID 1 RFC822.SIZE {nines} INTERNALDATE "22-Nov-2026 07:00:00 +0000")\r\n',
            f'* 1 FETCH (UID {nines} RFC822.SIZE 9 INTERNALDATE "22-Nov-2026 07:00:00 +0000")\r\n',
            '* 1 FETCH (UID 1 RFC822.SIZE 9 INTERNALDATE "31-Nov-2026 07:00:00 +0000")\r\n',
            f"* OK {'x' * (2 << 20)}\r\n",
        ):
            box.instead = instead
            with pytest.raises(Retry):
                await here.world.collect()
        # Each line and each literal is small enough, and there is no end of them.
        box.instead, box.endless = f"* 1 FETCH (UID 1 BODY[] {{900000}}\r\n{'x' * 900_000})\r\n", True
        with pytest.raises(Retry):
            await here.world.collect()
        assert here.rows() == held
        box.instead, box.endless = "", False
        await here.world.collect()
        here.assert_same()


@pytest.mark.parametrize(
    "sign_in",
    [{"sign_in": "microsoft", "tenant": "contoso.example"}, {"sign_in": "google", "refresh": "sandbox-refresh"}],
)
async def test_a_token_takes_the_place_of_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign_in: dict[str, str]
) -> None:
    async with served(tmp_path, monkeypatch) as made, serve(made.box.tokens) as tokens:
        here, box = made.office.here, made.box
        settings = replace(here.world.access.settings, token_url=f"{tokens.url}/token")
        here.world.access = replace(here.world.access, settings=settings)
        said = {"client_id": "app-id-of-the-sandbox", **sign_in}
        made.deliver(60)
        made.declare(**said)
        await here.world.collect()
        await here.world.collect()
        here.assert_same()
        assert "AUTHENTICATE XOAUTH2" in box.asked
        assert len([one for one in box.asked if one.startswith("TOKEN ")]) == 2
        wrongs: list[dict[str, str]] = [{"secret": "another"}, {"user": "somebody@temeritygoods.example"}]
        wrongs += [{"refresh": "another"}] if "refresh" in sign_in else []
        for wrong in wrongs:
            made.declare(**{**said, **wrong})
            with pytest.raises(Reconnect):
                await here.world.collect()
        for needed in ("client_id", *(set(sign_in) - {"sign_in"})):
            made.declare(**{**said, needed: ""})
            with pytest.raises(Broken, match="signing in"):
                await here.world.collect()
        other = {"microsoft": "imap.gmail.com", "google": "outlook.office365.com"}[sign_in["sign_in"]]
        made.declare(**said, endpoint=other)
        with pytest.raises(Broken, match="whoever gives it"):
            await here.world.collect()
    made.declare(**said)
    with pytest.raises(Retry):
        await made.office.here.world.collect()


@pytest.mark.parametrize("certificate", [EXPIRED, OTHER_HOST, SELF_SIGNED])
async def test_a_server_that_cannot_prove_who_it_is_gets_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: str
) -> None:
    async with served(tmp_path, monkeypatch, certificate=certificate) as made:
        with pytest.raises(Broken) as caught:
            await made.office.here.world.collect()
        assert caught.value.code == "certificate_refused"
        assert made.box.asked == []


async def test_the_twin_as_the_library_comes_hands_the_password_to_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path, monkeypatch, certificate=SELF_SIGNED) as made:
        import asyncio

        def usual() -> None:
            with imaplib.IMAP4_SSL("127.0.0.1", made.box.port, ssl_context=ssl._create_unverified_context()) as box:
                box.login(made.box.user, made.box.password)

        await asyncio.to_thread(usual)
        assert f"LOGIN {made.box.user}" in made.box.asked


def test_dates_and_names_are_read_strictly() -> None:
    assert str(_instant(" 5-Nov-2026 06:00:10 -0800")) == "2026-11-05 14:00:10+00:00"
    assert _instant("05-Okt-2026 06:00:10 -0800") is None
    assert _instant("31-Feb-2026 06:00:10 +0000") is None
    for wrong in (
        ("nowhere", "u@x.example", "INBOX"),
        ("imap.gmail.com", "u\n", "INBOX"),
        ("imap.gmail.com", "u", '"'),
    ):
        with pytest.raises(Broken):
            Reader(wrong[0], wrong[1], Secret("x"), wrong[2])
