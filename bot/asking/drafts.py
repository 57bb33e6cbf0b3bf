"""One question while it is being put together."""

from dataclasses import dataclass, replace

from bot.asking.facts import Asked, Intent, Span
from bot.asking.marks import Marks


@dataclass(frozen=True, slots=True)
class Named:
    """What a part of a message names."""

    source_ids: tuple[str, ...] = ()
    everything: bool = False
    except_ids: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    span: Span | None = None
    person: str | None = None
    document: str | None = None
    amount: str | None = None
    metric: str | None = None

    @property
    def sources(self) -> bool:
        """Whether any source, or all of them, or an unknown one is named."""
        return bool(self.source_ids or self.everything or self.unknown)

    @property
    def anything(self) -> bool:
        """Whether anything is named."""
        return self != Named()


def named_in(text: str, marks: Marks) -> Named:
    """Return what the marks of a part of a message stand for."""
    ids = tuple(dict.fromkeys(one for found in marks.of("S", text) for one in found))
    left_out = marks.of("X", text)
    spans = marks.of("T", text)

    def first(kind: str) -> str | None:
        found = marks.of(kind, text)
        return found[0] if found else None

    return Named(
        source_ids=() if left_out else ids,
        everything=bool(left_out),
        except_ids=tuple(one for found in left_out for one in found),
        unknown=tuple(dict.fromkeys(marks.of("U", text))),
        span=spans[0] if spans else None,
        person=first("P"),
        document=first("D"),
        amount=first("A"),
        metric=first("M"),
    )


def asked(intent: Intent, named: Named, words: str) -> Asked:
    """Return the question that a part of a message is."""
    return Asked(
        intent,
        source_ids=named.source_ids,
        everything=named.everything,
        except_ids=named.except_ids,
        unknown=named.unknown,
        span=named.span,
        person=named.person,
        document=named.document,
        amount=named.amount,
        metric=named.metric,
        words=words,
    )


def with_sources(item: Asked, named: Named | Asked) -> Asked:
    """Return the question about the sources of something else."""
    return replace(
        item, source_ids=named.source_ids, everything=named.everything, except_ids=named.except_ids,
        unknown=named.unknown,
    )  # fmt: skip


def taken_up(before: Asked, named: Named, words: str) -> Asked:
    """Return the question before once more, with what is named now in the place of what was named then."""
    item = replace(
        before,
        span=named.span or before.span,
        person=named.person or before.person,
        metric=named.metric or before.metric,
        words=words,
        unclear=False,
    )
    if named.document or named.amount:
        item = replace(item, document=named.document, amount=named.amount)
    return with_sources(item, named) if named.sources else item


def joined(item: Asked, named: Named) -> Asked:
    """Return the question with more sources, and with what else is named."""
    item = replace(item, span=item.span or named.span, person=item.person or named.person)
    if item.everything and not item.source_ids:
        # "Why did it fail - shopify": now it is said what "it" is.
        return item if not named.source_ids else replace(with_sources(item, named), unclear=False)
    ids = tuple(dict.fromkeys((*item.source_ids, *named.source_ids)))
    return replace(item, source_ids=ids, unknown=(*item.unknown, *named.unknown))
