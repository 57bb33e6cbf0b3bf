"""Misbehaviour by script: rules that say which request meets which trouble, the same for every stand-in."""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

import msgspec


class Kind(StrEnum):
    """The troubles that a stand-in can make."""

    #: answer rightly, `seconds` late; adds to any other trouble
    LATENCY = "latency"
    #: 429 in the provider's own shape
    RATE_LIMIT = "rate_limit"
    #: 5xx (`status`, default 503)
    SERVER_ERROR = "server_error"
    #: RST on the wire instead of an answer
    RESET = "reset"
    #: the right header, then a part (`fraction`) of the body, then the end of the connection
    TRUNCATE = "truncate"
    #: 401 in the provider's own shape; the grant itself stays whole
    UNAUTHORIZED = "unauthorized"
    #: the grant is revoked at the provider before this request is looked at
    REVOKE = "revoke"
    #: an error inside an answer of status 200 (`code`)
    FAULT = "fault"
    #: accepted, never answered; ends when the caller leaves or after `seconds`
    HANG = "hang"
    #: answer rightly, but only once the script is cleared
    HOLD = "hold"
    #: accepted only after `seconds`, even when the caller has long left
    LATE = "late"
    #: a web page where data should be
    HTML = "html"
    #: a redirect to another host (`location`)
    REDIRECT = "redirect"
    #: the right body under a wrong content type (`content_type`)
    CONTENT_TYPE = "content_type"
    #: the right body after `size` bytes of blanks
    OVERSIZE = "oversize"
    #: a token answer that is spoiled in the way that `code` names (sandbox/providers/malform.py); it takes effect
    MALFORMED = "malformed"
    #: a token answer with tokens of the account that `code` names; the asker's own are renewed all the same
    OTHER_ACCOUNT = "other_account"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One trouble and the requests that meet it; every condition that is set must hold."""

    kind: Kind
    #: regular expression, searched in the path
    path: str | None = None
    method: str | None = None
    #: the journal's word: query, report, token …
    operation: str | None = None
    #: the journal's word: Invoice, orders …
    entity: str | None = None
    account: str | None = None
    #: text that the statement or the variables hold
    detail: str | None = None
    #: only the n-th request that matches all the above, from 1
    nth: int | None = None
    #: leave the first ones in peace
    skip: int = 0
    #: how often it happens; None: for ever
    times: int | None = 1
    #: chance per matching request, drawn from `seed`
    probability: float = 1.0
    seed: int = 0
    seconds: float = 0.0
    status: int | None = None
    #: text of the Retry-After header, as it is; None: no header
    retry_after: str | None = None
    body: str | None = None
    #: the provider's own error code for a FAULT; the way of a MALFORMED; the account of an OTHER_ACCOUNT
    code: str | None = None
    location: str = "https://elsewhere.example/"
    content_type: str = "text/plain"
    #: bytes of blanks before an OVERSIZE body
    size: int = 64 * 1024 * 1024
    #: whether an OVERSIZE answer declares its length
    declared: bool = False
    #: part of a TRUNCATE body that is still sent
    fraction: float = 0.5
    #: let the request take effect before the trouble; None: only a HANG does
    accept: bool | None = None

    @property
    def takes_effect(self) -> bool:
        """Whether the stand-in does what was asked although the caller does not learn it."""
        return self.kind is Kind.HANG if self.accept is None else self.accept


@dataclass(frozen=True, slots=True)
class Call:
    """What a rule can look at; the stand-in fills it from the request."""

    method: str
    path: str
    operation: str = ""
    entity: str = ""
    account: str = ""
    detail: str = ""
    token: str = ""
    mutating: bool = False


@dataclass
class _Armed:
    rule: Rule
    random: Random = field(init=False)
    seen: int = 0
    done: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.rule.seed)

    def strikes(self, call: Call) -> bool:
        if not _concerns(self.rule, call):
            return False
        self.seen += 1
        if self.seen <= self.rule.skip or (self.rule.nth is not None and self.seen != self.rule.nth):
            return False
        if self.rule.times is not None and self.done >= self.rule.times:
            return False
        if self.rule.probability < 1 and self.random.random() >= self.rule.probability:
            return False
        self.done += 1
        return True


class Script:
    """The rules in force; the first one that strikes decides, and every latency adds."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._armed = [_Armed(rule) for rule in rules]
        self._cleared = asyncio.Event()

    def add(self, *rules: Rule) -> None:
        """Put rules after those in force."""
        self._armed += [_Armed(rule) for rule in rules]

    def clear(self) -> None:
        """Behave from now on, and answer what is held."""
        self._armed = []
        self._cleared.set()
        self._cleared = asyncio.Event()

    async def cleared(self) -> None:
        """Wait until the script is cleared next."""
        await self._cleared.wait()

    @property
    def struck(self) -> int:
        """How often any rule has struck."""
        return sum(armed.done for armed in self._armed)

    def meet(self, call: Call) -> tuple[float, Rule | None]:
        """Seconds of latency and the trouble for this request; counts it against the rules."""
        seconds = 0.0
        for armed in list(self._armed):
            if armed.strikes(call):
                if armed.rule.kind is not Kind.LATENCY:
                    return seconds, armed.rule
                seconds += armed.rule.seconds
        return seconds, None


def rules_from_json(data: bytes) -> list[Rule]:
    """Read one rule or a list of rules; raises msgspec.ValidationError with the place of the mistake."""
    if data.lstrip()[:1] == b"{":
        return [msgspec.json.decode(data, type=Rule)]
    return msgspec.json.decode(data, type=list[Rule])


def _concerns(rule: Rule, call: Call) -> bool:
    return (
        rule.method in (None, call.method)
        and rule.operation in (None, call.operation)
        and rule.entity in (None, call.entity)
        and rule.account in (None, call.account)
        and (rule.path is None or re.search(rule.path, call.path) is not None)
        and (rule.detail is None or rule.detail in call.detail)
    )
