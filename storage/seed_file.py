"""The seed file: one organization, its workspaces, people and sources, written down by the operator.

`sandbox/temerity_goods.yaml` explains every field; the demo is set up from it.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from storage.facts.people import Role
from storage.facts.sources import ConnectionState, Provider
from storage.seed_text import Path as FieldPath
from storage.seed_text import Problem, SeedError, Text, read_text, readable

_SHOP = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\.myshopify\.com", re.ASCII)
_REALM = re.compile(r"[0-9]{6,20}", re.ASCII)
_SELLER = re.compile(r"[A-Z0-9]{6,32}", re.ASCII)
_FILED = re.compile(r"[a-z0-9][][A-Za-z0-9:/_.@%+='& -]{0,300}", re.ASCII)
_CUSTOMER = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_REGIONS = ("na", "eu", "fe")
#: of files that are delivered
_FILES = (_FILED, "a short name of your own, or store:bucket/prefix as the form has it")
#: what an account looks like, and how to say so
_ACCOUNTS = {
    Provider.SHOPIFY: (_SHOP, "a full shop domain, name.myshopify.com"),
    Provider.QUICKBOOKS: (_REALM, "a company id (realm): digits only"),
    Provider.AMAZON: (_SELLER, "a seller id: capital letters and digits"),
    Provider.POCKETADVANTAGE: (_CUSTOMER, "the customer id at Inventiv: letters, digits, - and _"),
}
_LONGEST_GRANT = int(timedelta(days=6 * 366).total_seconds())


@cache
def _zones() -> frozenset[str]:
    """Return the names of the IANA list; looking for them reads every file of the system's zones."""
    return frozenset(available_timezones())


def _known_zone(value: str) -> str:
    if value not in _zones():
        raise ValueError("not a time zone of the IANA list, such as America/Los_Angeles")
    return value


def _one_line(value: str) -> str:
    if value != value.strip() or any(not character.isprintable() for character in value):
        raise ValueError("must be one line without spaces around it")
    return value


Words = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Address = Annotated[str, Field(max_length=254, pattern=r"^[^@\s<>\",;]+@[^@\s<>\",;]+$")]
Team = Annotated[str, Field(pattern=r"^[TE][A-Z0-9]{2,20}$")]
User = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{2,20}$")]
Channel = Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{2,20}$")]
Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,60}$")]
BotToken = Annotated[SecretStr, Field(min_length=10, max_length=500)]
Token = Annotated[SecretStr, Field(min_length=1, max_length=8192)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, frozen=True)


class MemberSeed(_Part):
    """A person of the organization."""

    user: User
    name: Words
    role: Annotated[Role, Field(strict=False)]
    timezone: Zone = "UTC"
    email: Address | None = None
    #: true takes the person out
    removed: bool = False


class WorkspaceSeed(_Part):
    """A Slack workspace of the organization, the channels where Tidings may post, and its people."""

    team: Team
    name: Words
    bot_user: User | None = None
    bot_token: BotToken | None = None
    channels: list[Channel] = Field(default_factory=list)
    members: list[MemberSeed] = Field(default_factory=list)


class SupportPersonSeed(_Part):
    """One of the operator's support people."""

    user: User
    name: Words
    removed: bool = False


class SupportSeed(_Part):
    """The operator's own workspace, where escalations go."""

    team: Team
    name: Words
    bot_user: User | None = None
    bot_token: BotToken | None = None
    people: list[SupportPersonSeed] = Field(default_factory=list)


class CredentialsSeed(_Part):
    """A grant that was given elsewhere. Without an access token the first call renews it."""

    access_token: Token | None = None
    refresh_token: Token | None = None
    #: seconds that the access token still lives; left out: it does not expire, or is renewed before the first call
    expires_in: Annotated[int, Field(gt=0, le=_LONGEST_GRANT)] | None = None
    scopes: list[Words] = Field(default_factory=list)

    @model_validator(mode="after")
    def _something(self) -> "CredentialsSeed":
        if self.access_token is None and self.refresh_token is None:
            raise ValueError("needs a refresh_token or an access_token")
        return self


class SourceSeed(_Part):
    """One account of the organization at a provider."""

    provider: Annotated[Provider, Field(strict=False)]
    account: Words
    company: Words
    label: Words | None = None
    #: Amazon's region of the account
    region: str = ""
    #: minutes between two collections
    schedule: Annotated[int, Field(ge=5, le=7 * 24 * 60)] = 60
    connection: Annotated[ConnectionState, Field(strict=False)] = ConnectionState.CONNECTED
    reason: Words | None = None
    credentials: CredentialsSeed | None = None

    @model_validator(mode="after")
    def _account_fits(self) -> "SourceSeed":
        form, wanted = _ACCOUNTS.get(self.provider, _FILES)
        if not form.fullmatch(self.account):
            raise ValueError(f"account must be {wanted}")
        if self.region not in (_REGIONS if self.provider is Provider.AMAZON else ("",)):
            raise ValueError("region must be na, eu or fe for amazon, and absent elsewhere")
        return self

    @property
    def shown(self) -> str:
        """What people read."""
        if self.label:
            return self.label
        numbered = self.provider in {Provider.QUICKBOOKS, Provider.POCKETADVANTAGE}
        return f"{self.provider}_{self.account}" if numbered else self.account


class OrganizationSeed(_Part):
    """The customer company; `key` is what makes the file find it again when the name changes."""

    key: Key
    name: Words
    timezone: Zone
    support_email: Address | None = None
    #: ``team/channel``
    support_channel: Annotated[str, Field(pattern=r"^[TE][A-Z0-9]{2,20}/[CG][A-Z0-9]{2,20}$")] | None = None
    account_rep: Words | None = None


class Seed(_Part):
    """A whole seed file."""

    format: Literal[1]
    organization: OrganizationSeed
    workspaces: list[WorkspaceSeed] = Field(min_length=1)
    support: SupportSeed | None = None
    sources: list[SourceSeed] = Field(default_factory=list)


def load_seed(path: Path, environment: Mapping[str, str]) -> Seed:
    """Read and check a seed file; SeedError lists every problem with its line. OSError: it cannot be read."""
    return parse_seed(path.read_text(encoding="utf-8"), path.name, environment)


def parse_seed(text: str, name: str, environment: Mapping[str, str]) -> Seed:
    """Check a seed file's text; `environment` fills ``${NAME}`` references."""
    found = read_text(text, environment)
    if found.problems:
        raise SeedError(name, found.problems)
    try:
        seed = Seed.model_validate(found.data)
    except ValidationError as error:
        raise SeedError(name, [_problem(detail, found) for detail in error.errors(include_input=False)]) from None
    if twice := list(_twice(seed, found)):
        raise SeedError(name, twice)
    return seed


def _problem(detail: ErrorDetails, found: Text) -> Problem:
    path: FieldPath = tuple(detail["loc"])
    return Problem(
        found.line(path), readable(path), _WORDS.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    )


_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this part",
    "string_type": "must be text: put it in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "model_type": "must be a group of fields",
    "string_pattern_mismatch": "does not have the right form",
}


def _twice(seed: Seed, found: Text) -> Iterator[Problem]:
    seen: dict[tuple[str, ...], None] = {}
    for path, key in _identities(seed):
        if key in seen:
            yield Problem(found.line(path), readable(path), "is there twice")
        seen[key] = None


def _identities(seed: Seed) -> Iterator[tuple[FieldPath, tuple[str, ...]]]:
    for number, workspace in enumerate(seed.workspaces):
        yield ("workspaces", number, "team"), ("team", workspace.team)
        for position, member in enumerate(workspace.members):
            yield ("workspaces", number, "members", position, "user"), ("user", workspace.team, member.user)
    if seed.support:
        yield ("support", "team"), ("team", seed.support.team)
        for position, person in enumerate(seed.support.people):
            yield ("support", "people", position, "user"), ("user", seed.support.team, person.user)
    for number, source in enumerate(seed.sources):
        yield ("sources", number, "account"), ("source", source.provider, source.account)
