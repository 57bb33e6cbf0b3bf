"""Connecting PocketAdvantage: no consent of a provider's, but a form of ours, each part of which can be tried alone.

What is typed is tried before it is kept: the file server must take a file and let it be replaced, the database must
show its view. Whose server it is, is confirmed by a person: its key is fetched, compared and left in the form.
"""

from collections.abc import Mapping
from datetime import datetime

from connectors.base import ProviderSettings
from connectors.errors import Broken, ConnectorError
from connectors.form_grants import FormGrants
from connectors.grants import (
    FormAnswer,
    FormField,
    FormTest,
    Granted,
    HintError,
    Pairs,
    Returned,
    ReturnRefusedError,
    RowAnswer,
)
from connectors.pocketadvantage.declared import HOST, Declared, read_declared, write_declared
from connectors.pocketadvantage.fields import (
    FILES,
    FORM,
    HOST_KEY,
    TESTS,
    books_of,
    declared_of,
    form_here,
    port_of,
    typed_of,
)
from connectors.pocketadvantage.looking import try_files, try_orders
from connectors.pocketadvantage.places import allowed_of, operator_of, places_of, reach_of
from connectors.pocketadvantage.transfer.places import USUAL_PORTS, Transfer
from connectors.tokens import Tokens, TokenStore
from storage.facts.clock import Clock
from storage.facts.secret import Secret
from storage.facts.sources import Provider

_NO_GAP = (
    "This server does not put one file in the place of another, so that the file would be away for a moment each time."
    " Accept that here, or ask the server's owner to allow it."
)


class PocketAdvantageGrants(FormGrants):
    """The form of a file server and a database of orders."""

    provider = Provider.POCKETADVANTAGE
    line = "Files of customers, items, vendors and invoices from QuickBooks, and orders back into it."
    form: tuple[FormField, ...] = FORM
    tests: tuple[FormTest, ...] = TESTS

    def form_here(self, settings: ProviderSettings) -> tuple[FormField, ...]:
        """Return the form with the choices that this installation is set up for."""
        return form_here(settings)

    def returned(self, settings: ProviderSettings, query: Pairs, *, hint: str, now: datetime) -> Returned:
        """Return the declaration as the code, the customer id as the account, and the company that was chosen."""
        _ = hint, now
        try:
            typed = _once(query)
            declared, books = declared_of(typed, settings), books_of(typed, settings)
        except HintError as error:
            raise ReturnRefusedError("form_malformed", f"{error} Nothing was stored. Start again in Slack.") from error
        return Returned(write_declared(declared), declared.cust_id, books)

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
        """Do at both places what is done there later; a grant is what that could be done with."""
        _ = hint, redirect_uri, verifier, clock
        declared = read_declared(returned.code)
        files, orders = places_of(declared, settings, settings.organization)
        if not await try_files(files, operator_of(settings)) and not declared.gap:
            raise Broken(_NO_GAP, code="cannot_replace")
        if orders is not None:
            await try_orders(orders, allowed_of(settings, settings.organization))
        return Granted(Tokens(returned.code), declared.cust_id, declared.company, (), books=returned.books)

    async def tried(self, settings: ProviderSettings, query: Pairs, clock: Clock) -> None:
        """Try what was typed, without keeping it; HintError says what stands against it."""
        _ = clock
        typed = _once(query)
        declared, _ = declared_of(typed, settings), books_of(typed, settings)
        await _files(declared, settings)
        await _orders(declared, settings)

    async def tested(self, settings: ProviderSettings, query: Pairs, test: str, clock: Clock) -> FormAnswer:
        """Try one part of what was typed; HintError says what stands against it."""
        _ = clock
        typed = _once(query)
        if test == HOST_KEY:
            return await _host_key(typed, settings)
        declared = declared_of(typed, settings)
        lines = await (_files(declared, settings) if test == FILES else _orders(declared, settings))
        return FormAnswer({}, parts={test: RowAnswer(good=True, lines=lines)})

    def typed_again(self, declared: Secret) -> Mapping[str, str]:
        """Return what was typed when it was connected, but for what was typed unseen."""
        try:
            return typed_of(read_declared(declared))
        except Broken:
            return {}

    async def revoke(self, settings: ProviderSettings, store: TokenStore, *, account: str, region: str) -> bool:
        """Return False: account and user are the customer's, who ends them where they were made."""
        _ = settings, store, account, region
        return False


def _once(query: Pairs) -> dict[str, str]:
    typed = dict(query)
    if len(typed) != len(query):
        raise HintError("Something was sent twice.")
    return typed


async def _host_key(typed: Mapping[str, str], settings: ProviderSettings) -> FormAnswer:
    """Ask the server for its key, and nothing else of it; the person compares it."""
    # It brings the library of SSH, which a process that only shows pages never needs.
    from connectors.pocketadvantage.transfer.sftp import fetch_host_key

    host = typed.get("host", "").strip().lower()
    if not HOST.fullmatch(host) or ".." in host:
        raise HintError("Server: a host name such as files.example.com.", "host")
    port = port_of(typed.get("port", ""), "port") or USUAL_PORTS[Transfer.SFTP]
    try:
        key = await fetch_host_key(host, port, reach_of(settings))
    except ConnectorError as error:
        raise HintError(_plain(error), "host") from error
    before = typed.get("host_key", "").strip()
    changed = before and before != key.text
    how = (
        "Compare it with what the server's owner tells you, by another way than this page. To confirm it, leave it in"
        " the field Host key and go on; if it differs, stop here."
    )
    lines = (f"The server shows a key with the fingerprint {key.fingerprint}.", how)
    warned = ("This is another key than the one that was confirmed before.",) if changed else ()
    return FormAnswer(
        {}, typed={"host_key": key.text}, parts={HOST_KEY: RowAnswer(good=not changed, lines=(*warned, *lines))}
    )


async def _files(declared: Declared, settings: ProviderSettings) -> tuple[str, ...]:
    """Try the file server; return what can be said of it. HintError."""
    try:
        place, _ = places_of(declared, settings, settings.organization)
        replaces = await try_files(place, operator_of(settings))
    except ConnectorError as error:
        raise HintError(f"File server: {_plain(error)}", _AT.get(error.code, "host")) from error
    if not replaces and not declared.gap:
        raise HintError(_NO_GAP, "gap")
    how = (
        "It puts one file in the place of another, so that a whole file is always there."
        if replaces
        else "It cannot put one file in the place of another: each time is reported, as you accepted."
    )
    shown = f"A file was written to {place.latest}, read back and removed again."
    return ("The file server works.", *_proof(declared), shown, how)


def _proof(declared: Declared) -> tuple[str, ...]:
    """Return what the server proved itself with, where a person confirmed that: it stays to be compared."""
    if declared.protocol != Transfer.SFTP:
        return ()
    from connectors.pocketadvantage.transfer.sftp import fingerprint_of

    return (f"It proved itself with the host key that is entered above: {fingerprint_of(declared.host_key)}.",)


async def _orders(declared: Declared, settings: ProviderSettings) -> tuple[str, ...]:
    """Try the database; return what can be said of it. HintError."""
    try:
        _, place = places_of(declared, settings, settings.organization)
        if place is None:
            return ("No orders are read: choose where they are.",)
        found = await try_orders(place, allowed_of(settings, settings.organization))
    except ConnectorError as error:
        raise HintError(f"Database: {_plain(error)}", _AT_ORDERS.get(error.code, "db_host")) from error
    ready = f"{found.orders} order{'' if found.orders == 1 else 's'} of {declared.cust_id} can be read now."
    return ("The database works.", ready, *found.notes)


#: where to look, by what went wrong
_AT = {
    "login_refused": "account", "host_key_changed": "host_key", "host_key_missing": "host_key",
    "path_refused": "folder",
    "permission_denied": "folder", "certificate_refused": "authority", "plain_refused": "plain",
}  # fmt: skip
_AT_ORDERS = {"login_refused": "db_user", "view_unusable": "db_view", "database_place": "db_name"}


def _plain(error: ConnectorError) -> str:
    said = error.detail.rstrip(".")
    return f"{said[:1].upper()}{said[1:]}."
