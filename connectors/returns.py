"""What comes back to a callback address is a stranger's letter: nothing twice, nothing odd, nothing long."""

import re

from connectors.grants import Pairs, ReturnRefusedError
from storage.facts.secret import Secret

_NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,64}", re.ASCII)
_VALUE = re.compile(r"[\x20-\x7e]{0,4096}", re.ASCII)
_CODE = re.compile(r"[\x21-\x7e]{1,4096}", re.ASCII)
_MOST = 40

_AGAIN = "start again in Slack"


def singles(query: Pairs) -> dict[str, str]:
    """Return the query as a dictionary; refused when a name comes twice or anything in it is no plain short text."""
    if len(query) > _MOST or not all(_NAME.fullmatch(name) for name, _ in query):
        raise ReturnRefusedError("malformed", f"This address is not one that the provider makes: {_AGAIN}.")
    found = dict(query)
    if len(found) != len(query):
        raise ReturnRefusedError("duplicated", f"This address says something twice: {_AGAIN}.")
    # What people read (an error's description) may be in any script and is never used; the rest is plain.
    if not all(_VALUE.fullmatch(value) for name, value in query if name != "error_description"):
        raise ReturnRefusedError("malformed", f"This address is not one that the provider makes: {_AGAIN}.")
    return found


def refuse_errors(said: dict[str, str], label: str) -> None:
    """Raise when the provider says that there is no grant; its own words are not repeated."""
    error = said.get("error")
    if error is None:
        return
    if error == "access_denied":
        raise ReturnRefusedError("access_denied", f"{label} was not connected: access was declined there.")
    raise ReturnRefusedError("provider_error", f"{label} could not give access just now: {_AGAIN}.")


def refuse_others(said: dict[str, str], issuer: str | None) -> None:
    """Raise when the answer names another issuer than this provider (RFC 9207: two providers mixed up)."""
    if "iss" in said and said["iss"] != issuer:
        raise ReturnRefusedError("mixed_up", f"This answer is not from the provider that was asked: {_AGAIN}.")


def code_of(said: dict[str, str], name: str = "code") -> Secret:
    """Return the code."""
    code = said.get(name, "")
    if not _CODE.fullmatch(code):
        raise ReturnRefusedError("no_code", f"The provider sent no code: {_AGAIN}.")
    return Secret(code)
