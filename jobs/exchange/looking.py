"""What another mapping would do to the records that QuickBooks has, by the lake: counted, and ten of them shown."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from jobs.exchange import reading
from jobs.exchange.fil import FilRules
from jobs.exchange.mapping.differing import MOST_SHOWN, Comparing, Counts, Shown, pair_differences
from jobs.exchange.mapping.profile import PairMapping, Profile
from jobs.exchange.mapping.results import Inputs, Mapped, Rejected, Result
from storage.facts.exchange import FILES, Pair
from storage.facts.exchange_mapping import PairLook, RowLook

if TYPE_CHECKING:
    from storage.warehouse import Reader, Warehouse

#: records of a pair that are looked at while a person waits
MOST = 10_000
_REASONS = 3


def looked(
    warehouse: "Warehouse", books: Sequence[str], before: Profile, after: Profile, first: Pair, rules: FilRules
) -> list[PairLook]:
    """Compare both mappings by the newest state of the lake; blocks (NoLake, StorageFailed).

    `books` are the sources of the companies whose records are sent. Pairs in which nothing differs are not there.
    """
    found = [
        (pair, before.pair(pair.value), after.pair(pair.value))
        for pair in sorted(FILES, key=lambda each: each is not first)
        if pair.value in before.pairs and pair.value in after.pairs
    ]
    found = [each for each in found if each[1] != each[2]]
    if not found:
        return []
    with warehouse.reader(frugal=True) as reader, reader.steady():
        seen = [(_pair(reader, books, *each, rules), pair_differences(each[1], each[2])) for each in found]
    return [look for look, said in seen if said or look.changed or look.lost or look.won]


def _pair(
    reader: "Reader", books: Sequence[str], pair: Pair, before: PairMapping, after: PairMapping, rules: FilRules
) -> PairLook:
    look = PairLook(pair)
    if not reading.has(reader, pair):
        return look
    for books_id in books:
        inputs = reading.tables(reader, books_id, sorted({*before.inputs, *after.inputs}))
        some = _Some(reading.records(reader, pair, books_id), MOST - look.records)
        counts, shown = Comparing(before, after, Inputs(inputs), rules).looked(some, MOST_SHOWN - len(look.rows))
        look = _added(look, counts, shown, some=some.more)
    return look


class _Some:
    """The first of many records; `more` says whether there were others."""

    def __init__(self, records: Iterable[dict[str, Any]], most: int) -> None:
        self._records = iter(records)
        self._most = most
        self.more = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield from islice(self._records, self._most)
        self.more = next(self._records, None) is not None


def _added(look: PairLook, counts: Counts, shown: Sequence[Shown], *, some: bool) -> PairLook:
    return PairLook(
        look.pair,
        look.records + counts.records,
        look.some or some,
        look.changed + counts.changed,
        look.lost + counts.lost,
        look.won + counts.won,
        (*look.reasons, *counts.reasons.most_common(_REASONS))[:_REASONS],
        (*look.rows, *(_row(each) for each in shown)),
    )


def _row(shown: Shown) -> RowLook:
    both = isinstance(shown.before, Mapped) and isinstance(shown.after, Mapped)
    return RowLook(shown.key, _not_sent(shown.before), _not_sent(shown.after), shown.changes if both else ())


def _not_sent(result: Result) -> str:
    match result:
        case Mapped():
            return ""
        case Rejected():
            return f"refused, {result.field}: {result.reason}"
        case _:
            return f"left out: {result.reason}"
