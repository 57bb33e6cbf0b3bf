"""A metric as somebody fills it in, and what there is to choose from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from storage.facts.metrics import Basis, Calculation, Dataset, Definition, Frequency, ItemKind, PostTime


@dataclass(frozen=True, slots=True)
class Draft:
    """A metric that is not made yet, or a change of one; remembered by the open form alone."""

    #: the form, so that sending it twice makes one
    card: str
    source_id: str
    definition: Definition
    name: str = ""
    #: empty: a new one
    metric_id: str = ""
    #: of the definition that was shown
    version: int = 0
    owner_id: str = ""
    #: ``team/channel``; empty: nowhere
    post_to: str = ""
    #: when that channel is to have its metrics, as it is typed; empty: as it has them
    post_time: str = ""


@dataclass(frozen=True, slots=True)
class Pick:
    """Something that was imported and can be chosen."""

    kind: ItemKind | None
    #: QuickBooks' id of it, the type, or the line
    key: str
    #: as QuickBooks shows it, with what it lies below
    name: str
    #: a little more: the type of an account
    note: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a form of a metric offers beside what was imported."""

    #: connected companies: id -> name
    companies: Mapping[str, str]
    #: members: id -> name
    owners: Mapping[str, str]
    #: ``team/channel`` -> name, of channels where Tidings may speak
    channels: Mapping[str, str]
    #: of the organization
    zone: str
    #: what the organization calls its metrics
    noun: str = "Metric"
    #: ``team/channel`` -> when it has its metrics
    posts: Mapping[str, PostTime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Side:
    """What fits one of the one or two things that a metric is calculated from."""

    #: what is chosen there, as people call it
    called: str
    #: whether something must be chosen; else all of it is meant when nothing is
    needed: bool
    #: whether anything can be chosen
    takes: bool
    #: whether there may be something below it
    below: bool
    #: what it can be narrowed to: ``class_id``, ``department_id``, ``customer_id``
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fits:
    """What fits a definition as it is so far: only that is asked for."""

    datasets: Mapping[Dataset, str]
    calculations: tuple[Calculation, ...]
    bases: tuple[Basis, ...]
    frequencies: tuple[Frequency, ...]
    first: Side
    #: what a ratio is divided by
    second: Side | None
    #: whether the month matters in which the fiscal year begins
    fiscal: bool
    window: bool
    currency: bool
    decimals: bool


@dataclass(frozen=True, slots=True)
class Filling:
    """A draft with what it can be filled from, as a form shows it."""

    draft: Draft
    desk: Desk
    fits: Fits
    #: whether the settings that few need are shown
    more: bool = False
    #: what is wrong, by the field
    wrong: Mapping[str, str] = field(default_factory=dict)
    #: what vanished from QuickBooks, in words: only what takes its place is asked for
    gone: str = ""
    #: the fields of what vanished: ``item``, ``by_item``, ``class_id`` …
    lost: tuple[str, ...] = ()
