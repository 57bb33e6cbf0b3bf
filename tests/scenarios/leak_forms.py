"""What is typed into forms of our own: keys of a bucket, a mailbox's password, an app's secret and refresh token."""

import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.cli.demo_ground import Ground
from bot.cli.stories.browser import StoryBrowser
from bot.cli.stories.connecting import agree, chosen
from sandbox.providers import catalogue
from sandbox.providers.netsuite import RECEIVER, SENDER, NetSuite
from sandbox.providers.netsuite.mailbox import Mailbox
from storage.facts.sources import Provider
from tests.connectors.certificates import RIGHT, authority, server_side
from tests.scenarios.leak_stage import LeakStage

#: What is typed into a form and kept, by the field: what the search calls it.
KINDS = {"secret": "bucket secret", "password": "mailbox password"}
#: What is typed instead at first: what is secret is right and another thing is not, and the other way round.
WRONG = ({"bucket": "nobodys", "folder": "Nobodys"}, {"secret": "", "password": ""})
_PREFIX = "temerity"


@dataclass
class Forms:
    """A bucket and a mailbox that only forms lead to."""

    ground: Ground
    box: Mailbox

    def typed(self) -> list[dict[str, str]]:
        """Return each form as it is right."""
        sandbox = self.ground.outside.sandbox
        feeds = json.dumps([NetSuite(Path(), sandbox.clock).feed()])
        both = {"company": catalogue.COMPANY, "feeds": feeds}
        bucket = {"store": "s3", "bucket": sandbox.bucket.name, "prefix": _PREFIX, "endpoint": sandbox.bucket_url,
                  "key_id": sandbox.bucket.key_id, "secret": sandbox.bucket.secret}  # fmt: skip
        mailbox = {"store": "imap", "server": f"imaps://127.0.0.1:{self.box.port}", "user": self.box.user,
                   "password": self.box.password, "folder": "inbox", "senders": SENDER, "receiver": RECEIVER}  # fmt: skip
        return [both | bucket, both | mailbox]


@contextlib.asynccontextmanager
async def forms_on(ground: Ground, environment: pytest.MonkeyPatch) -> AsyncIterator[Forms]:
    """Serve the mailbox; the product may go to it, and trusts its certificate."""
    (ground.folder.parent / "authority.pem").write_text(authority())
    environment.setenv("SSL_CERT_FILE", str(ground.folder.parent / "authority.pem"))
    sandbox = ground.outside.sandbox
    sandbox.bucket.secret = secrets.token_urlsafe()
    box = Mailbox(password=secrets.token_urlsafe())
    async with box.serve(server_side(RIGHT, ground.folder.parent)):
        places = f"{sandbox.bucket_url},imaps://127.0.0.1:{box.port}"
        yield Forms(replace(ground, settings=ground.settings.model_copy(update={"netsuite_endpoints": places})), box)


async def connects_by_forms(stage: LeakStage, browser: StoryBrowser, forms: Forms) -> None:
    """Each form: wrong, then whole, then with a yes that breaks, then through; its first collection begins by itself."""
    sandbox = stage.stage.sandbox
    lines = NetSuite(Path(), sandbox.clock)
    await stage.stage.outside(lambda: lines.post(5, sandbox.clock.now().date().replace(day=1)))
    at = sandbox.clock.now()
    await stage.stage.outside(lambda: sandbox.bucket.put(f"{_PREFIX}/{lines.name_of(at, 'gl')}", lines.csv(), at))
    for typed in forms.typed():
        for field, kind in KINDS.items():
            stage.secrets.add(kind, typed.get(field))
        page = await chosen(stage.stage, browser, Provider.NETSUITE)
        for wrong in WRONG:
            refused = await browser.send(page, "/form", typed | {name: wrong[name] for name in wrong if name in typed})
            assert "You are connecting" not in refused.text, refused.text
        asked = await browser.send(page, "/form", typed)
        with stage.store.refusing(stage.folder, "INSERT", "connections"):
            assert "went wrong" in (await browser.send(asked, "/connect/confirm")).text
        await agree(stage.stage, browser, asked, catalogue.COMPANY)
        await stage.gather()
