"""Connecting NetSuite's files: no consent of a provider's, but a form of ours: the bucket, its key, the feeds.

What is typed is tried before it is kept: the bucket must show its list to the key. Local folders are the operator's to
connect, with `tidings seed`.
"""

import json
from datetime import datetime

import msgspec

from connectors.base import Access, ProviderSettings, open_session
from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.grants import (
    Choice,
    Consent,
    FormField,
    Granted,
    HintError,
    HintField,
    Pairs,
    Returned,
    ReturnRefusedError,
)
from connectors.limits import Unlimited
from connectors.netsuite.feeds import read_grant
from connectors.oauth import MemoryTokens
from connectors.tokens import Tokens, TokenStore
from storage.facts.clock import Clock
from storage.facts.secret import Secret
from storage.facts.sources import Provider

_TEXTS = ("store", "bucket", "prefix", "endpoint", "region", "key_id", "secret", "service_account", "company")
_KINDS = (Choice("s3", "S3 or compatible"), Choice("gcs", "Google Cloud Storage"))
_LONGEST_ACCOUNT = 300


class NetSuiteGrants:
    """The form of a bucket."""

    provider = Provider.NETSUITE
    line = "Files of saved searches that NetSuite, or a script of yours, puts into a bucket."
    hint: HintField | None = None
    form: tuple[FormField, ...] = (
        FormField("store", "Kind of bucket", "", choices=_KINDS),
        FormField("company", "Company", "How people shall read it.", required=True),
        FormField("bucket", "Bucket", "", required=True),
        FormField("prefix", "Prefix", "The folder in the bucket; nothing outside of it is read."),
        FormField("endpoint", "Address", "Empty for Amazon and Google. Others must be set up by whoever runs Tidings."),
        FormField("region", "Region", "Of an S3 bucket, such as eu-central-1."),
        FormField("key_id", "Key id", "Of an S3 bucket: a key that may list and get, on the prefix alone."),
        FormField("secret", "Secret key", "Stored sealed, and shown nowhere.", secret=True),
        FormField("service_account", "Service account", "Of a Google bucket: the key file's text.", secret=True),
        FormField("feeds", "Feeds", "What the files are: a list in JSON.", long=True, required=True),
    )

    def read_hint(self, text: str) -> str:
        """Nothing is asked first; HintError."""
        raise HintError(f"Nothing is asked here ({len(text)} characters came).")

    def hint_of(self, account: str, region: str) -> str:
        """Return the account: the bucket and its prefix."""
        _ = region
        return account

    def consent(self, settings: ProviderSettings, *, hint: str, redirect_uri: str, state: Secret) -> Consent:
        """Return where the form's answer goes: to ourselves, with the flow's state. No browser is sent there."""
        _ = settings, hint
        return Consent(f"{redirect_uri}?state={state.reveal()}")

    def returned(self, settings: ProviderSettings, query: Pairs, *, hint: str, now: datetime) -> Returned:
        """Return the declaration as the code, and the bucket with its prefix as the account."""
        _ = settings, hint, now
        try:
            return _declared(query)
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
        """Look into the bucket with the key; a grant is what could be looked into."""
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
        declared = _declared(query)
        try:
            await self.exchange(settings, declared, hint="", redirect_uri="", verifier=None, clock=clock)
        except ConnectorError as error:
            raise HintError(_plain(error)) from error

    async def revoke(self, settings: ProviderSettings, store: TokenStore, *, account: str, region: str) -> bool:
        """Return False: the key is the customer's, who ends it where it was made."""
        _ = settings, store, account, region
        return False


def _declared(query: Pairs) -> Returned:
    typed = {name: value.strip() for name, value in query}
    if len(typed) != len(query):
        raise HintError("Something was sent twice.")
    try:
        feeds = msgspec.json.decode(typed.get("feeds", ""), type=list[msgspec.Raw])
    except msgspec.MsgspecError:
        raise HintError("The feeds are not a list in JSON.") from None
    said: dict[str, object] = {name: typed[name] for name in _TEXTS if typed.get(name)}
    if said.get("store") not in {"s3", "gcs"}:
        raise HintError("Choose the kind of bucket.")
    if not typed.get("bucket"):
        raise HintError("Name the bucket.")
    said["feeds"] = [msgspec.json.decode(feed) for feed in feeds]
    code = Secret(json.dumps(said))
    try:
        read_grant(code)
    except Broken as error:
        raise HintError(_plain(error)) from error
    account = f"{said['store']}:{typed['bucket']}/{typed.get('prefix', '')}"
    if len(account) > _LONGEST_ACCOUNT:
        raise HintError("Bucket and prefix are too long.")
    return Returned(code, account)


def _plain(error: ConnectorError) -> str:
    if isinstance(error, Retry):
        return "The bucket does not answer. Look at its name, its region and its address, or try again in a minute."
    if isinstance(error, Reconnect):
        return "The bucket refuses this key: it must be allowed to list and to get, on the prefix."
    return f"{error.detail[:1].upper()}{error.detail[1:]}."
