"""An organization's mapping as people see it: what is its own, its versions, what a change would do to real rows."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from storage.facts.exchange import Pair


class WishKind(StrEnum):
    """What a change consists of."""

    #: another text of the organization's own
    LAYER = "layer"
    #: a version from before, brought back
    VERSION = "version"
    #: the same text over another version of the pre-built profile
    PROFILE = "profile"


@dataclass(frozen=True, slots=True)
class MappingWish:
    """A change that somebody thinks of, over the version that they saw; `number` is the version that is wanted."""

    pair_id: str
    seen: int
    kind: WishKind
    layer: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class MappingVersion:
    """One version; `written_by` is a name, empty for the product and for who is gone."""

    number: int
    profile_version: int
    written_by: str
    written_at: datetime
    #: the version that it brought back; 0 for none
    restored: int = 0


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """One column of the file, and what is in it."""

    name: str
    #: the expression
    source: str
    kind: str
    width: int = 0
    #: what is longer is cut, and not refused
    cut: bool = False
    required: bool = False


@dataclass(frozen=True, slots=True)
class MappingView:
    """The mapping of one pair as it is in force."""

    pair_id: str
    pair: Pair
    organization: str
    profile: str
    profile_version: int
    #: nobody has confirmed the profile with real files
    assumption: bool
    #: the version in force; 0: nothing was ever written
    number: int
    layer: str
    columns: tuple[MappedColumn, ...]
    fields: tuple[str, ...]
    #: what is otherwise than pre-built in this pair, a sentence each
    own: tuple[str, ...] = ()
    #: how much is otherwise in the other pairs
    elsewhere: int = 0
    #: newest first
    versions: tuple[MappingVersion, ...] = ()
    #: the newest version of the profile, where it is newer; else 0
    newer: int = 0
    #: why the layer does not fit its profile; while it does not, no file is made
    broken: str = ""


@dataclass(frozen=True, slots=True)
class RowLook:
    """A real record before and after; `was` and `now` are empty where it is sent, else why it is not."""

    key: str
    was: str = ""
    now: str = ""
    #: column, what it says, what it would say
    changes: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PairLook:
    """What a change would do to the records of a pair, of those that were looked at."""

    pair: Pair
    records: int = 0
    #: not all of them were looked at
    some: bool = False
    changed: int = 0
    #: sent before and not after; and the other way
    lost: int = 0
    won: int = 0
    #: why records are refused that were not before, and how many
    reasons: tuple[tuple[str, int], ...] = ()
    rows: tuple[RowLook, ...] = ()


@dataclass(frozen=True, slots=True)
class MappingLook:
    """What a change would come to; nothing is saved."""

    wish: MappingWish
    pair: Pair
    profile: str
    profile_version: int
    #: a sentence each
    differences: tuple[str, ...] = ()
    #: what the organization's own rests upon and is not there; while there are any it cannot be saved
    conflicts: tuple[str, ...] = ()
    pairs: tuple[PairLook, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class MappingSaved:
    """What became of it."""

    pair: Pair
    number: int
    changed: bool = True
