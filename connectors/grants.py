"""The shape of a provider's consent: where a person is sent, what comes back, and how the grant is given up.

Flows know this shape and nothing else of a provider. Each provider has one implementation, in `grant.py` of its
package.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from connectors.base import ProviderSettings
from connectors.tokens import Tokens, TokenStore
from storage.facts.clock import Clock
from storage.facts.secret import Secret
from storage.facts.sources import Provider

#: Query or form as it came, repeated names included.
Pairs = Sequence[tuple[str, str]]


class HintError(ValueError):
    """What the person typed before the consent cannot be the provider's; the text says what it should look like."""

    def __init__(self, said: str, at: str = "") -> None:
        super().__init__(said)
        #: name of the field that it is about; empty: of no single one
        self.at = at


class ReturnRefusedError(Exception):
    """What came back from the provider is not an answer to our question; `reason` is a code of ours for the audit."""

    def __init__(self, reason: str, said: str) -> None:
        super().__init__(said)
        self.reason = reason
        #: plain words for the person
        self.said = said


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that may be chosen where a form asks."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class HintField:
    """What must be known before the person can be sent to the provider."""

    label: str
    #: what it looks like, in words
    help: str
    placeholder: str = ""
    #: empty: free text
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form of ours, for providers without a page of consent."""

    name: str
    label: str
    #: what belongs there, in words; may be empty
    help: str
    choices: tuple[Choice, ...] = ()
    #: typed unseen, and never shown again
    secret: bool = False
    #: several lines
    long: bool = False
    required: bool = False
    #: heading over this field and those of the same group after it
    group: str = ""
    #: values of choices above, of which one must be chosen for it to be of use; it is out of sight otherwise
    only: tuple[str, ...] = ()
    #: seldom needed: folded away with the others of its kind, under this heading
    folded: str = ""


@dataclass(frozen=True, slots=True)
class FormRows:
    """Fields that a form asks for as often as a person wants, a block each; sent as ``<name>.<number>.<field>``."""

    name: str
    #: what people call one
    label: str
    #: what one is, in a sentence
    help: str
    fields: tuple[FormField, ...]
    most: int


@dataclass(frozen=True, slots=True)
class FormTest:
    """A button that tries one part of a form, or fetches what belongs there; sent as ``part:<name>``."""

    name: str
    #: on the button
    label: str
    #: name of the field below which it stands
    after: str
    #: as of a field
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A file that a person hands in, to show what the others are like."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What is said of one block of the form, or of a part of it."""

    good: bool
    lines: tuple[str, ...]
    #: the first rows of a file as they would be read
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """What came of a step on the form; nothing was taken or kept."""

    #: by number of the block
    rows: Mapping[int, RowAnswer]
    #: fields that were filled in, by name
    typed: Mapping[str, str] = field(default_factory=dict)
    #: by name of the test of a part
    parts: Mapping[str, RowAnswer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consent:
    """Where the browser goes next, and the PKCE verifier to keep (None where the provider has no PKCE)."""

    url: str
    verifier: Secret | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """A checked answer of the consent page; not yet proven by a call."""

    code: Secret
    #: the account that the query names: to be proven with the new token
    account: str
    #: the QuickBooks company that a person chose, where a form asks for one
    books: str = ""


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant that was proven by a call with its own token."""

    tokens: Tokens
    #: realm id, shop domain, seller id: as the provider tells it with the new token
    account: str
    company: str
    scopes: tuple[str, ...]
    #: scopes that were asked for and not given
    missing: tuple[str, ...] = ()
    region: str = ""
    #: the QuickBooks company that a person chose, where a form asks for one
    books: str = ""


class Grants(Protocol):
    """One provider's consent."""

    @property
    def provider(self) -> Provider:
        """Which one."""
        ...

    @property
    def line(self) -> str:
        """One line for the catalogue: what connecting it brings."""
        ...

    @property
    def hint(self) -> HintField | None:
        """What must be asked first; None: nothing."""
        ...

    def read_hint(self, text: str) -> str:
        """Return the canonical form of what was typed; HintError otherwise."""
        ...

    def hint_of(self, account: str, region: str) -> str:
        """Return the hint that leads to an account which is connected already."""
        ...

    def consent(self, settings: ProviderSettings, *, hint: str, redirect_uri: str, state: Secret) -> Consent:
        """Return where the browser goes."""
        ...

    def returned(self, settings: ProviderSettings, query: Pairs, *, hint: str, now: datetime) -> Returned:
        """Check what came back (the state is checked by the flow); ReturnRefusedError otherwise."""
        ...

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
        """Turn the code into tokens and ask, with them, whose account it is.

        Raises ConnectorError or ReturnRefusedError.
        """
        ...

    async def revoke(self, settings: ProviderSettings, store: TokenStore, *, account: str, region: str) -> bool:
        """Give the grant up at the provider; True also when it was gone before, False where there is no way to.

        It may end more than this one grant (Shopify uninstalls the app from the shop): call it only when nothing else
        of ours stands on the account. What is renewed on the way is saved in the store. Raises ConnectorError.
        """
        ...


@runtime_checkable
class Filled(Protocol):
    """What a provider's `Grants` has beside the rest where a form of ours takes the place of its page."""

    form: tuple[FormField, ...]

    async def tried(self, settings: ProviderSettings, query: Pairs, clock: Clock) -> None:
        """Try what was typed, without keeping anything; HintError says what stands against it."""
        ...


@runtime_checkable
class Again(Protocol):
    """What a `Filled` has beside the rest where a form begins with what was typed the last time."""

    def typed_again(self, declared: Secret) -> Mapping[str, str]:
        """Return the fields that lead to what is declared already; nothing that was typed unseen is among them."""
        ...


@runtime_checkable
class Fitted(Protocol):
    """What a `Filled` has beside the rest where not every installation has every choice of its form."""

    def form_here(self, settings: ProviderSettings) -> tuple[FormField, ...]:
        """Return the form as it is by these settings."""
        ...


@runtime_checkable
class Tested(Protocol):
    """What a `Filled` has beside the rest where parts of its form can be tried alone."""

    tests: tuple[FormTest, ...]

    async def tested(self, settings: ProviderSettings, query: Pairs, test: str, clock: Clock) -> FormAnswer:
        """Try one part, or fetch what belongs there, without keeping anything. HintError."""
        ...


@runtime_checkable
class Helped(Protocol):
    """What a `Filled` has beside the rest where the form has blocks, and a person is helped to fill them in."""

    rows: FormRows

    def typed_again(self, declared: Secret) -> Mapping[str, str]:
        """Return the fields that lead to what is declared already; nothing that was typed unseen is among them."""
        ...

    async def detected(
        self, settings: ProviderSettings, query: Pairs, number: int, sample: Sample | None, clock: Clock
    ) -> FormAnswer:
        """Fill one block in from a file: the sample, or the newest that lies there. HintError."""
        ...

    async def looked(self, settings: ProviderSettings, query: Pairs, clock: Clock) -> FormAnswer:
        """Say of each block what lies there and whether it can be read. HintError."""
        ...


@runtime_checkable
class Scoped(Protocol):
    """What a provider's `Grants` has beside the rest where a person may give less than was asked for."""

    def lacking(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        """Return what was asked for and is not among the scopes that were given."""
        ...
