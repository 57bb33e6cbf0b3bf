"""Connecting NetSuite's files: no consent of a provider's, but a form of ours: bucket or mailbox, its key, the feeds.

What is typed is tried before it is kept: the place must show its list to the key. Local folders are the operator's to
connect, with `tidings seed`.
"""

import contextlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from connectors.base import Access, ProviderSettings, open_session
from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.form_grants import FormGrants
from connectors.grants import (
    Choice,
    FormAnswer,
    FormField,
    FormRows,
    Granted,
    HintError,
    Pairs,
    Returned,
    ReturnRefusedError,
    Sample,
)
from connectors.limits import Unlimited
from connectors.netsuite.feeds import read_grant
from connectors.netsuite.typed import NAME, NUMBERS, ROWS, blocks, declared, heading, typed_of
from connectors.oauth import MemoryTokens
from connectors.tokens import Tokens, TokenStore
from storage.facts.clock import Clock
from storage.facts.secret import Secret
from storage.facts.sources import Provider

if TYPE_CHECKING:
    from connectors.netsuite.trying import Opened

_BUCKETS = ("store", "company", "endpoint", "bucket", "prefix", "region", "key_id", "secret", "service_account")
_MAILBOXES = ("store", "company", "sign_in", "tenant", "client_id")
_SIGN_INS = (
    Choice("password", "With the password, or an app password"),
    Choice("microsoft", "With an app of Microsoft 365 (IMAP.AccessAsApp)"),
    Choice("google", "With an app of Google and a refresh token"),
)
_KINDS = (
    Choice("s3", "NetSuite via bucket (Amazon S3 or compatible)"),
    Choice("gcs", "NetSuite via bucket (Google Cloud Storage)"),
    Choice("imap", "NetSuite via email reports (a mailbox, IMAP)"),
)
_BUCKET, _MAILBOX, _MAILS = "Bucket", "Mailbox", "Mailed reports"
_IN_BUCKETS, _IN_MAILBOXES, _APPS = ("s3", "gcs"), ("imap",), ("microsoft", "google")
_LONGEST_ACCOUNT = 300
#: words of what is wrong with a feed -> its field on the form
_ABOUT = {
    "zone": "zone", "pattern": "pattern", "numbered": "numbered", "period column": "period", "key": "key",
    "subject": "subject", "skipped": "skip", "sign": "numbers",
}  # fmt: skip
_PASTED = "Paste a declaration instead"
_NO_LIST = "The feeds are not a list in JSON."


class NetSuiteGrants(FormGrants):
    """The form of a bucket or a mailbox."""

    provider = Provider.NETSUITE
    line = "NetSuite via bucket, or NetSuite via email reports: files of saved searches, as you have them sent."
    form: tuple[FormField, ...] = (
        FormField("store", "Where the files come", "", choices=_KINDS),
        FormField("company", "Company", "Its name in messages and mails, such as Temerity Goods Inc.", required=True),
        FormField(
            "server",
            "Mail server",
            "imap.gmail.com or outlook.office365.com; others must be set up by whoever runs Tidings.",
            group=_MAILBOX,
            only=_IN_MAILBOXES,
        ),
        FormField(
            "user", "User", "Whose mailbox it is: one for the reports alone.", only=_IN_MAILBOXES, group=_MAILBOX
        ),
        FormField("folder", "Folder", "INBOX when empty.", only=_IN_MAILBOXES, group=_MAILBOX),
        FormField("sign_in", "How to sign in", "", choices=_SIGN_INS, only=_IN_MAILBOXES, group=_MAILBOX),
        FormField(
            "tenant",
            "Tenant",
            "Where the app lives, such as example.onmicrosoft.com.",
            only=("microsoft",),
            group=_MAILBOX,
        ),
        FormField("client_id", "App id", "", only=_APPS, group=_MAILBOX),
        FormField(
            "password",
            "Password or app's secret",
            "Stored sealed, and shown nowhere.",
            secret=True,
            group=_MAILBOX,
            only=_IN_MAILBOXES,
        ),
        FormField("refresh", "Refresh token", "Stored sealed, too.", secret=True, only=("google",), group=_MAILBOX),
        FormField("bucket", "Name of the bucket", "", only=_IN_BUCKETS, group=_BUCKET),
        FormField(
            "prefix",
            "Folder (prefix)",
            "The folder in the bucket, such as netsuite/; nothing outside of it is read.",
            only=_IN_BUCKETS,
            group=_BUCKET,
        ),
        FormField(
            "endpoint",
            "Address",
            "Empty for Amazon and Google. Others must be set up by whoever runs Tidings.",
            only=_IN_BUCKETS,
            group=_BUCKET,
        ),
        FormField("region", "Region", "Such as eu-central-1.", only=("s3",), group=_BUCKET),
        FormField(
            "key_id",
            "Key id",
            "A key that may list and read files in that folder, and nothing else.",
            only=("s3",),
            group=_BUCKET,
        ),
        FormField(
            "secret", "Secret key", "Stored sealed, and shown nowhere.", secret=True, only=("s3",), group=_BUCKET
        ),
        FormField(
            "service_account", "Service account", "The key file's text.", secret=True, only=("gcs",), group=_BUCKET
        ),
        FormField(
            "senders",
            "Senders",
            "Whole addresses that the reports come from; no other mail is read. Empty for a bucket with plain files.",
            group=_MAILS,
        ),
        FormField(
            "receiver",
            "Receiving server",
            "The server that checks who sent a mail: mx.google.com for Gmail, exchange-online for Microsoft 365."
            " For others, the name at the beginning of the header Authentication-Results."
            " Empty for a bucket with plain files.",
            group=_MAILS,
        ),
        FormField(
            "feeds",
            "Feeds as JSON",
            "In place of the feeds above: the declaration that the source's page describes (How it works, in Slack).",
            long=True,
            folded=_PASTED,
        ),
    )
    rows: FormRows = ROWS

    def returned(self, settings: ProviderSettings, query: Pairs, *, hint: str, now: datetime) -> Returned:
        """Return the declaration as the code, and the place as the account."""
        _ = settings, hint, now
        try:
            return declared_of(query)
        except HintError as error:
            raise ReturnRefusedError("form_malformed", f"{error} Nothing was stored. Start again in Slack.") from error

    async def exchange(
        self,
        settings: ProviderSettings,
        returned: Returned,
        *,
        hint: str,
        redirect_uri: str,
        verifier: Secret | None,
        clock: Clock,
    ) -> Granted:
        """Look into the place with the key; a grant is what could be looked into."""
        _ = hint, redirect_uri, verifier
        # It brings Arrow, which a process that only shows pages never needs.
        from connectors.netsuite.connector import NetSuiteConnector

        connector, tokens = NetSuiteConnector(), Tokens(returned.code)
        access = Access(returned.account, settings, MemoryTokens(tokens), clock, Unlimited())
        async with open_session(connector, access) as session:
            company = await connector.probe(session)
        return Granted(tokens, company.id, company.name, ())

    async def tried(self, settings: ProviderSettings, query: Pairs, clock: Clock) -> None:
        """Try what was typed, without keeping it; HintError says what stands against it."""
        returned = declared_of(query)
        try:
            await self.exchange(settings, returned, hint="", redirect_uri="", verifier=None, clock=clock)
        except ConnectorError as error:
            raise HintError(_plain(error, mailbox=dict(query).get("store") == "imap")) from error

    def typed_again(self, declared: Secret) -> Mapping[str, str]:
        """Return what was typed when it was connected, but for what was typed unseen; nothing of a local folder."""
        try:
            grant = read_grant(declared)
        except Broken:
            return {}
        fitting = len(grant.feeds) <= ROWS.most and all(
            (feed.decimal, feed.thousands) in NUMBERS.values() for feed in grant.feeds
        )
        if grant.store == "folder" or not fitting:
            return {}
        seen = (*_BUCKETS, *_MAILBOXES)
        said = {name: getattr(grant, name) for name in seen if name not in {"secret", "service_account"}}
        if grant.store == "imap":
            said |= {"server": grant.endpoint, "user": grant.user, "folder": grant.folder, "endpoint": ""}
        if grant.mail is not None:
            said |= {"senders": " ".join(grant.mail.senders), "receiver": grant.mail.receiver}
        feeds = [typed_of(number, feed) for number, feed in enumerate(grant.feeds)]
        return {name: value for one in (said, *feeds) for name, value in one.items() if value}

    async def looked(self, settings: ProviderSettings, query: Pairs, clock: Clock) -> FormAnswer:
        """Say of each feed what lies there and whether it can be read; HintError."""
        # As above: it brings Arrow.
        from connectors.netsuite.trying import SLOW, tried

        typed = dict(query)
        async with _opened(settings, query, clock) as place:
            answers = await tried(place)
        if typed.get("feeds", "").strip():
            # Whoever pasted a declaration has no button to go on all the same.
            wrong = {name: one for name, one in answers.items() if not one.good and one != SLOW}
            against = [f"{name}: {' '.join(one.lines)}" for name, one in wrong.items()]
            if against:
                raise HintError(" ".join(against), "feeds")
            return FormAnswer({})
        return FormAnswer({n: answers[said["name"]] for n, said in blocks(typed).items()})

    async def detected(
        self, settings: ProviderSettings, query: Pairs, number: int, sample: Sample | None, clock: Clock
    ) -> FormAnswer:
        """Fill one feed in from a sample, or from the newest file that lies there; HintError."""
        from connectors.netsuite.detecting import answered, filled

        if sample is not None:
            return await filled(dict(query), number, sample, mailed=False)
        # The other feeds may be half typed: this one alone is looked for.
        typed = {name: value for name, value in query if not name.startswith(f"{NAME}.") and name != "feeds"}
        said = {name.rpartition(".")[2]: value for name, value in query if name.startswith(f"{NAME}.{number}.")}
        probe = {"name": "feed", "pattern": said.get("pattern") or "*", "key": "*", "subject": said.get("subject", "")}
        asked = typed | {f"{NAME}.{number}.{name}": value for name, value in probe.items()}
        async with _opened(settings, list(asked.items()), clock) as place:
            return await answered(place, dict(query), number)

    async def revoke(self, settings: ProviderSettings, store: TokenStore, *, account: str, region: str) -> bool:
        """Return False: the key is the customer's, who ends it where it was made."""
        _ = settings, store, account, region
        return False


@contextlib.asynccontextmanager
async def _opened(settings: ProviderSettings, query: Pairs, clock: Clock) -> "AsyncIterator[Opened]":
    """Open the place that was typed; HintError for whatever stands against it."""
    from connectors.files.session import FileSession
    from connectors.netsuite.connector import NetSuiteConnector
    from connectors.netsuite.trying import Opened

    returned = declared_of(query)
    access = Access(returned.account, settings, MemoryTokens(Tokens(returned.code)), clock, Unlimited())
    try:
        async with open_session(NetSuiteConnector(), access) as session:
            assert isinstance(session, FileSession)
            yield Opened(session.store, read_grant(returned.code), clock.now())
    except ConnectorError as error:
        raise HintError(_plain(error, mailbox=dict(query).get("store") == "imap")) from error


def _feeds(typed: dict[str, str]) -> list[object]:
    """Return the feeds, from plain fields or as they were pasted; HintError."""
    if typed.get("feeds") and blocks(typed):
        raise HintError("The feeds are there twice, in fields and as JSON: empty one of them.", "feeds")
    if not typed.get("feeds"):
        feeds = declared(typed)
        if not feeds:
            raise HintError("Feed 1, Name: declare at least one feed.", f"{NAME}.0.name")
        return feeds
    try:
        return msgspec.json.decode(typed["feeds"], type=list[object])
    except (msgspec.MsgspecError, RecursionError):
        raise HintError(_NO_LIST, "feeds") from None


def declared_of(query: Pairs) -> Returned:
    """Return what was typed as a declaration and its place; HintError names what is wrong."""
    typed = {name: value.strip() for name, value in query}
    if len(typed) != len(query):
        raise HintError("Something was sent twice.")
    feeds = _feeds(typed)
    if typed.get("store") not in {kind.value for kind in _KINDS}:
        raise HintError("Choose the kind of place where the files come.")
    said, account = _mailbox(typed) if typed["store"] == "imap" else _bucket(typed)
    said["feeds"] = feeds
    if typed.get("senders") or typed.get("receiver") or typed["store"] == "imap":
        senders = [one for one in re.split(r"[\s,;]+", typed.get("senders", "")) if one]
        said["mail"] = {"senders": senders, "receiver": typed.get("receiver", "").lower()}
    try:
        code = Secret(json.dumps(said))
        read_grant(code)
    except Broken as error:
        raise _hint(error, typed) from error
    except RecursionError:
        # What is nested as deep as can be read may be too deep to be written or checked.
        raise HintError(_NO_LIST) from None
    if len(account) > _LONGEST_ACCOUNT:
        raise HintError("The names of the place are too long.")
    return Returned(code, account)


def _bucket(typed: dict[str, str]) -> tuple[dict[str, object], str]:
    if not typed.get("bucket"):
        raise HintError("Name the bucket.")
    said: dict[str, object] = {name: typed[name] for name in _BUCKETS if typed.get(name)}
    return said, f"{typed['store']}:{typed['bucket']}/{typed.get('prefix', '')}"


def _mailbox(typed: dict[str, str]) -> tuple[dict[str, object], str]:
    if not typed.get("user") or not typed.get("server") or not typed.get("password"):
        raise HintError("Name the mail server, the user and the password, or the app's secret, of the mailbox.")
    said: dict[str, object] = {name: typed[name] for name in _MAILBOXES if typed.get(name)}
    # One spelling each: what two spellings name would otherwise be two mailboxes.
    server = typed["server"].lower().removeprefix("imaps://").removesuffix(":993")
    user, folder = typed["user"].lower(), typed.get("folder") or "INBOX"
    folder = "INBOX" if folder.upper() == "INBOX" else folder
    said |= {"endpoint": server, "user": user, "folder": folder, "secret": typed["password"]}
    said |= {"refresh": typed["refresh"]} if typed.get("refresh") else {}
    return said, f"imap:{server}/{user}/{folder}"


def _hint(error: Broken, typed: dict[str, str]) -> HintError:
    """Return what is wrong with a declaration, with the number of the feed that it is about."""
    detail = error.detail.removeprefix("the declaration of this source's feeds cannot be used: ")
    for number, said in ({} if typed.get("feeds") else blocks(typed)).items():
        if said.get("name") and (at := f"feed {said['name']}: ") in detail:
            words = detail.partition(at)[2]
            field = next((one for sign, one in _ABOUT.items() if sign in words), "name")
            return HintError(f"{heading(number, said)}: {words}.", f"{NAME}.{number}.{field}")
    return HintError(_plain(error))


def _plain(error: ConnectorError, *, mailbox: bool = False) -> str:
    if isinstance(error, Retry):
        place, look = ("mail server", "its name") if mailbox else ("bucket", "its name, its region and its address")
        return f"The {place} does not answer. Look at {look}, or try again in a minute."
    if isinstance(error, Reconnect) and mailbox:
        return (
            "The mailbox refuses this user and password. Where sign-in takes two steps, it needs an app password;"
            " Microsoft 365 takes none at all: it needs an app."
        )
    if isinstance(error, Reconnect):
        return "The bucket refuses this key: it must be allowed to list and to read files in that folder."
    return f"{error.detail[:1].upper()}{error.detail[1:]}."
