"""What can be chosen for a metric: the names of everything imported from a company, asked of the lake once and kept.

A menu must answer within Slack's three seconds, and a look into the lake is a process of its own: the names are asked
for when a form opens, and kept for ten minutes, for the companies that were looked at last.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from jobs.metrics.compiling import needs_of
from jobs.metrics.datasets import tables
from storage.facts.clock import Clock
from storage.facts.metric_drafts import Pick
from storage.facts.metrics import Basis, Dataset, ItemKind

if TYPE_CHECKING:
    from storage.warehouse.apart import Question

#: Asks the lake: questions in, the rows of each out.
Ask = Callable[["Sequence[Question]"], Awaitable[Sequence[Sequence[Sequence[Any]]]]]

_KEPT = timedelta(minutes=10)
_MOST_COMPANIES = 20
#: names of one kind; a company with more finds the first of them by name
_MOST_NAMES = 20_000
#: what Slack's menus take
_MOST_OFFERED = 100
#: How long a menu waits for names that are not there yet.
MENU_SECONDS = 1.5

#: Where a word begins in a name that is written together.
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
#: Lists beside those of items: what a metric can be narrowed to.
FILTERS = {"class_id": "class", "department_id": "department", "customer_id": "customer"}
_REVENUE, _EXPENSE = "Revenue", "Expense"

_LISTS: Mapping[str, str] = {
    "account": """SELECT account_id AS key, account_full_name AS name, account_type AS note, classification AS more
        FROM ready_quickbooks_accounts""",
    "category": "SELECT DISTINCT account_type, account_type, '', '' FROM ready_quickbooks_accounts",
    "item": "SELECT item_id, item_full_name, item_type, '' FROM ready_quickbooks_items",
    "customer": """SELECT customer_id, coalesce(customer_full_name, customer_name), '', ''
        FROM ready_quickbooks_customers""",
    "class": "SELECT class_id, class_full_name, '', '' FROM ready_quickbooks_classes",
    "department": "SELECT department_id, department_full_name, '', '' FROM ready_quickbooks_departments",
    "section profit_and_loss": """SELECT DISTINCT section, section, '', '' FROM ready_quickbooks_profit_and_loss
        WHERE row_kind = 'summary' AND level = 0 AND section IS NOT NULL AND""",
    "section balance_sheet": """SELECT DISTINCT section, section, '', '' FROM ready_quickbooks_balance_sheet
        WHERE row_kind = 'summary' AND level = 0 AND section IS NOT NULL AND""",
}


@dataclass(frozen=True, slots=True)
class _Name:
    pick: Pick
    #: as it is searched
    plain: str
    #: of an account: revenue, expense …
    more: str


class Names:
    """The names of everything that was imported from one company."""

    def __init__(self, lists: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._lists = {kind: [_name(kind, row) for row in rows] for kind, rows in lists.items()}

    def search(self, what: "What", words: str) -> list[Pick]:
        """Return what has the words, what begins with them first; without words the first of all."""
        asked = words.casefold().split()
        first = " ".join(asked)
        found = [one for one in self._of(what) if all(word in one.plain for word in asked)]
        found.sort(key=lambda one: (not one.plain.startswith(first), one.plain))
        return [one.pick for one in found[:_MOST_OFFERED]]

    def named(self, what: "What", kind: str, key: str) -> Pick | None:
        """Return what was chosen, as it is called now; None when there is no such thing."""
        for one in self._of(what):
            if one.pick.key == key and (one.pick.kind or "") == kind:
                return one.pick
        return None

    def _of(self, what: "What") -> Iterable[_Name]:
        for name, wanted in what.lists:
            for one in self._lists.get(name, ()):
                if not wanted or one.more == wanted:
                    yield one


def _name(kind: str, row: Sequence[str]) -> _Name:
    key, name, note, more = (str(part or "") for part in row)
    item = kind.partition(" ")[0]
    if item == ItemKind.SECTION:
        # QuickBooks writes its lines together: NetIncome.
        name = _WORD.sub(" ", key)
    pick = Pick(ItemKind(item) if item in set(ItemKind) else None, key, name or key, note)
    return _Name(pick, f"{pick.name} {key}".casefold() if item == ItemKind.SECTION else pick.name.casefold(), more)


@dataclass(frozen=True, slots=True)
class What:
    """Which lists a menu searches, each whole or a class of accounts."""

    lists: tuple[tuple[str, str], ...]


def items_of(dataset: Dataset) -> What:
    """Return what can be chosen of a dataset."""
    kinds = tables()[dataset, Basis.ACCRUAL].kinds - {ItemKind.ALL}
    only = {Dataset.REVENUE: _REVENUE, Dataset.EXPENSES: _EXPENSE}.get(dataset, "")
    named = sorted(kinds, key=lambda kind: kind is not ItemKind.SECTION)
    return What(tuple((f"section {dataset.value}" if kind is ItemKind.SECTION else kind.value, only) for kind in named))


def filter_of(name: str) -> What:
    """Return what a selection can be narrowed to: ``class_id``, ``department_id``, ``customer_id``."""
    return What(((FILTERS[name], ""),))


def questions(source_id: str) -> "list[Question]":
    """Return what is asked of the lake, in the order of the lists."""
    from storage.warehouse.apart import Question

    made = []
    for select in _LISTS.values():
        where = select if select.rstrip().endswith("AND") else f"{select} WHERE"
        # Names and text of ours alone; the source is bound.
        sql = f"SELECT * FROM ({where} _source = $1) ORDER BY 2 LIMIT {_MOST_NAMES}"  # noqa: S608
        made.append(Question(sql, (source_id,), needs_of(sql)))
    return made


class Catalogue:
    """Keeps the names of the companies that were looked at last; looks of several people at once are one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], tuple[datetime, asyncio.Task[Names]]] = OrderedDict()

    async def names(self, organization_id: str, source_id: str, ask: Ask) -> Names:
        """Return the names of one company (whatever `ask` raises)."""
        return await asyncio.shield(self._task(organization_id, source_id, ask))

    async def soon(self, organization_id: str, source_id: str, ask: Ask) -> Names | None:
        """Return the names if they are there within the time of a menu; what was begun goes on."""
        task = self._task(organization_id, source_id, ask)
        done, _ = await asyncio.wait({task}, timeout=MENU_SECONDS)
        return None if not done or task.cancelled() or task.exception() else task.result()

    async def close(self) -> None:
        """Let go of what is under way."""
        tasks = [task for _, task in self._kept.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _task(self, organization_id: str, source_id: str, ask: Ask) -> asyncio.Task[Names]:
        key, now = (organization_id, source_id), self._clock.now()
        begun, task = self._kept.get(key, (now, None))
        failed = task is not None and task.done() and (task.cancelled() or task.exception() is not None)
        if task is None or failed or now - begun > _KEPT:
            task = asyncio.create_task(_asked(ask, source_id))
            self._kept[key] = (now, task)
            while len(self._kept) > _MOST_COMPANIES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return task


async def _asked(ask: Ask, source_id: str) -> Names:
    answers = await ask(questions(source_id))
    return Names(dict(zip(_LISTS, answers, strict=True)))
