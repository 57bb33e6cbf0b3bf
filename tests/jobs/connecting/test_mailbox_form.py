"""Connecting mailed reports by the form: the mailbox is tried, its password sealed, one mailbox is one organization's."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.base import ProviderSettings
from connectors.grants import HintError, Pairs
from connectors.netsuite.grant import NetSuiteGrants
from jobs.connecting.service import ConnectService
from sandbox.providers.netsuite import RECEIVER, SENDER, NetSuite
from sandbox.providers.netsuite.mailbox import Mailbox
from storage.credentials import Place, open_credentials
from storage.facts.flows import FlowState
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.sessions import Database
from tests.connectors.certificates import RIGHT, authority, server_side
from tests.jobs.connecting.stage import EVE, A, B, Stage, a_browser, staged

NETSUITE = Provider.NETSUITE


@dataclass
class Filling:
    """A stage whose provider is a mailbox."""

    stage: Stage
    box: Mailbox

    def typed(self, **more: str) -> Pairs:
        """What a person types."""
        feeds = json.dumps([NetSuite(Path(), self.stage.clock).feed()])
        said = {"store": "imap", "company": "Temerity Goods", "server": f"IMAPS://127.0.0.1:{self.box.port}",
                "user": self.box.user.title(), "password": self.box.password, "folder": "inbox", "bucket": "",
                "senders": f"{SENDER}; other@temeritygoods.example", "receiver": RECEIVER, "feeds": feeds}  # fmt: skip
        return list({**said, **more}.items())


@asynccontextmanager
async def filling(database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Filling]:
    (folder / "authority.pem").write_text(authority())
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
    async with staged(database, folder) as plain, Mailbox().serve(server_side(RIGHT, folder)) as box:
        endpoints = (f"imaps://127.0.0.1:{box.port}",)
        settings = ProviderSettings("", Secret(""), "", "", "", endpoints=endpoints, place="files")
        providers = {**plain.means.providers, NETSUITE: settings}
        stage = plain.twin(ConnectService, grants_for=lambda _provider: NetSuiteGrants(), providers=providers)
        yield Filling(stage, box)


async def test_a_mailbox_is_tried_confirmed_sealed_and_reconnected(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with filling(sqlite_database, tmp_path, monkeypatch) as made:
        stage, browser, box = made.stage, a_browser(), made.box
        link = await stage.proven(browser, provider=NETSUITE)
        for wrong, words in (
            ({"password": "another"}, "refuses this user and password"), ({"password": ""}, "Name the mail server"),
            ({"server": "mail.evil.example"}, "not set up here"), ({"server": "localhost"}, "plain characters"),
            ({"folder": "Reports"}, "no such folder"), ({"senders": ""}, "1 to 50 senders"),
            ({"senders": "@temeritygoods.example"}, "whole addresses"), ({"receiver": ""}, "no plain name"),
        ):  # fmt: skip
            with pytest.raises(HintError, match=words):
                await stage.service.fill(link, browser, made.typed(**wrong))
            assert stage.flow(link).state is FlowState.PROVEN
        box.trouble.append("[UNAVAILABLE] try again")
        with pytest.raises(HintError, match="does not answer"):
            await stage.service.fill(link, browser, made.typed())
        view = await stage.service.fill(link, browser, made.typed())
        account = f"imap:127.0.0.1:{box.port}/{box.user}/INBOX"
        assert (view.state, view.company, view.account) == (FlowState.RETURNED, "Temerity Goods", account)
        source = (await stage.service.confirm(browser, flow_id=view.id)).source
        assert source.label == "NetSuite via email reports"
        row = stage.connection(source.id)
        assert row.credentials is not None
        assert box.password.encode() not in row.credentials
        held = json.loads(
            open_credentials(stage.means.seal, Place(A, NETSUITE, account, 1), row.credentials).access.reveal()
        )
        assert held["secret"] == box.password
        assert held["mail"] == {"senders": [SENDER, "other@temeritygoods.example"], "receiver": RECEIVER}
        assert box.password not in str([vars(entry) for entry in stage.entries()])
        box.password = "a-new-password"
        again = a_browser()
        link = await stage.proven(again, provider=NETSUITE, source_id=source.id)
        # What was typed when it was connected need not be typed again, but for what was typed unseen.
        kept = (await stage.service.look(link, again)).typed
        assert (kept["user"], kept["feed.0.name"], kept["receiver"]) == (box.user, "gl", RECEIVER)
        assert not {"password", "secret", "refresh"} & kept.keys()
        typed = list({**kept, "password": "a-new-password"}.items())
        assert (await stage.service.try_form(link, again, typed)).rows[0].good
        view = await stage.service.fill(link, again, made.typed())
        assert not (await stage.service.confirm(again, flow_id=view.id)).newly
        assert stage.connection(source.id).version == 2
        theirs = a_browser()
        link = await stage.proven(theirs, EVE, NETSUITE)
        with pytest.raises(HintError):
            await stage.service.fill(link, theirs, made.typed())
        assert stage.sources(B) == []
