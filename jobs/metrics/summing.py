"""The SQL that adds records up for many metrics: each table is read once, and the same choice is added up once.

First all records of a group become sums by item and day, then these by week or month, and only those sums meet what
was chosen: a thousand metrics over millions of lines cost one look at the lines. What choices are narrowed by is kept
apart for each way of narrowing, and of classes, departments and customers only those that were chosen: together they
would be as many as the lines. Text of ours alone; what people chose is bound.
"""

# ruff: noqa: S608 - names of ours, the values bound
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from jobs.metrics.datasets import known_day

#: what records can be narrowed by
FILTERS = ("class_id", "department_id", "customer_id")

_WANTED = """wanted AS (
    SELECT unnest($1::INTEGER[]) AS n, unnest($2::VARCHAR[]) AS kind, unnest($3::VARCHAR[]) AS key,
        unnest($4::VARCHAR[]) AS grain, unnest($5::VARCHAR[]) AS class_id, unnest($6::VARCHAR[]) AS department_id,
        unnest($7::VARCHAR[]) AS customer_id
), chosen AS MATERIALIZED (
    SELECT w.*, m.item FROM wanted w JOIN {members} m ON m.kind = w.kind AND m.key = w.key
)"""
#: The first part says how many items each choice stands for; a later row without a day, how many records have none.
_THERE = """SELECT n, NULL AS start, NULL AS total, count(*) AS rows, 0 AS missing, NULL AS first_currency,
    NULL AS last_currency, 0 AS undated
FROM chosen GROUP BY 1"""
_ADDED = """CAST(sum(r.counted) AS BIGINT) AS {counted}, CAST(sum(r.missing) AS BIGINT) AS missing,
    min(r.first_currency) AS first_currency, max(r.last_currency) AS last_currency,
    CAST(sum(r.undated) AS BIGINT) AS undated"""

#: the SELECT of no sums at all
NO_SUMS = "SELECT NULL::INTEGER AS n, NULL::DATE AS start, 0 AS undated WHERE false"


@dataclass(frozen=True, slots=True)
class Choice:
    """What one or more selections are about, and the days, weeks or months that they are added up by."""

    kind: str
    key: str
    grain: str
    class_id: str = ""
    department_id: str = ""
    customer_id: str = ""

    @property
    def narrowed(self) -> tuple[str, ...]:
        """By which columns."""
        return tuple(name for name in FILTERS if getattr(self, name))


@dataclass(frozen=True, slots=True)
class Step:
    """A SELECT that is kept under a name for those after it."""

    name: str
    sql: str
    #: what is bound behind the source
    asked: tuple[Any, ...] = ()


def members(name: str, with_members: str) -> Step:
    """Return the step that keeps which items each choice stands for."""
    return Step(f"{name}_members", f"WITH RECURSIVE {with_members} SELECT DISTINCT kind, key, item FROM members")


def by_day(
    name: str, with_members: str, records: str, choices: Sequence[Choice], *, alike: str = "", both: bool = False
) -> Step:
    """Return the step that reads the records, and keeps their sums by item and day for each way of narrowing.

    Where one way asks for months alone, or for weeks alone, its sums are of these: far fewer than of days. With
    `alike`, the name of what `alike` keeps, those that are needed, by what is alike. With `both` each record counts
    once more with the other sign, as the item ``-<item>``.
    """
    narrows, used, twice = _narrows(choices), _used(choices), both and not alike
    item, amount, where = "item", "amount", ""
    if alike:
        item = "a.alike AS item"
        of = "ltrim(a.of, '-')" if both else "a.of"
        amount = "CASE WHEN a.of LIKE '-%' THEN -amount ELSE amount END AS amount" if both else amount
        where = f"""JOIN made_{alike}_alike a ON {of} = records.item
WHERE {known_day("day")} >= (SELECT min(first) FROM made_{alike}_alike) AND {known_day("day")} >= a.first"""
    cut = [f"CASE WHEN {one} IN (SELECT unnest(${place}::VARCHAR[])) THEN {one} END AS {one}"
           for place, one in enumerate(used, 2)]  # fmt: skip
    starts = sorted(set(narrows.values()))
    times = [f"CAST(date_trunc('{one}', {known_day('day')}) AS DATE) AS of_{one}" for one in starts]
    sets = ", ".join(f"({', '.join(['item', f'of_{start}', *by])})" for by, start in narrows.items())
    kept = ", ".join(
        [f"coalesce({', '.join(f'of_{one}' for one in starts)}, NULL) AS day", f"{_way(used)} AS way", *used]
    )
    sums = """sum(amount) AS amount, sum(counted) AS counted, count(*) FILTER (WHERE amount IS NULL) AS missing,
    min(currency) AS first_currency, max(currency) AS last_currency, count(*) FILTER (WHERE day IS NULL) AS undated"""
    sql = f"""{_with(with_members, records)} records AS ({records}), cut AS (
    SELECT {", ".join([item, *times, *cut, amount])}, counted, currency, day FROM records {where}
), added AS {"MATERIALIZED" if twice else "NOT MATERIALIZED"} (
    SELECT item, {kept}, {sums} FROM cut GROUP BY GROUPING SETS ({sets})
) SELECT * FROM added"""
    if twice:
        sql += " UNION ALL SELECT * REPLACE ('-' || item AS item, -amount AS amount) FROM added"
    wanted = tuple(sorted({getattr(choice, one) for choice in choices} - {""}) for one in used)
    return Step(f"{name}_days", sql, wanted)


def by_grain(name: str, days: Sequence[str], choices: Sequence[Choice]) -> Iterator[Step]:
    """Yield the steps that keep the sums of longer times, of one way of narrowing each; `days` are names."""
    read = " UNION ALL ".join(f"SELECT * FROM made_{one}_days" for one in days)
    for part in _parts(choices):
        grain, narrowed = part
        kept = ", ".join(["item", f"CAST(date_trunc('{grain}', day) AS DATE) AS start", *narrowed])
        sums = _ADDED.format(counted="counted")
        mine = f"FROM ({read}) r WHERE r.way = {_way_of(narrowed)}"
        yield Step(_named(name, part), f"SELECT {kept}, sum(r.amount) AS amount, {sums} {mine} GROUP BY ALL")


def needed(name: str, groups: Sequence[str]) -> Step:
    """Return the step that keeps from which day on the records of each choice are needed, for those of which any are.

    It is asked with the choices' numbers; the group and the number of each choice whose changes they follow, which is
    their own, and the other side's of a ratio; how many months before a change are needed; and from which day on they
    are in any case. `groups` are those whose sums of what changed are kept.
    """
    touched = " UNION ALL ".join(f"SELECT '{one}' AS of_group, n AS of, start FROM made_{one}t_sums" for one in groups)
    sql = f"""WITH asked AS (
    SELECT unnest($1::INTEGER[]) AS n, unnest($2::VARCHAR[]) AS of_group, unnest($3::INTEGER[]) AS of,
        unnest($4::INTEGER[]) AS back, unnest($5::DATE[]) AS moved
), touched AS ({touched}), begins AS (
    SELECT a.n, max(a.back) AS back, least(min(t.start), min(a.moved)) AS day
    FROM asked a LEFT JOIN touched t ON t.of_group = a.of_group AND t.of = a.of GROUP BY a.n
)
SELECT n, CAST(date_trunc('month', day - to_months(back)) AS DATE) AS first FROM begins WHERE day IS NOT NULL"""
    return Step(f"{name}_needed", sql)


def alike(name: str, groups: Mapping[str, int]) -> Step:
    """Return the step that keeps which items are needed, from which day on, and one that stands for all of its kind.

    Those that belong to the same needed choices need not be told apart: of two thousand customers few are chosen each
    by itself. It is asked as `sums` is, with the choices of all groups; each has its first number there.
    """
    each = (f"SELECT n + {number} AS n, first FROM made_{one}_needed" for one, number in groups.items())
    needed = " UNION ALL ".join(each)
    sql = f"""WITH {_WANTED.format(members=f"made_{name}_members")}, needing AS (
    SELECT c.item, list(c.n ORDER BY c.n) AS choices, min(f.first) AS first
    FROM chosen c JOIN ({needed}) f ON f.n = c.n GROUP BY c.item
)
SELECT item AS of, min(item) OVER (PARTITION BY choices) AS alike, first FROM needing"""
    return Step(f"{name}_alike", sql)


def there(members: str) -> str:
    """Return the SELECT of how many items each choice stands for, in the form of `sums`; none of what is not there."""
    return f"WITH {_WANTED.format(members=f'made_{members}_members')} {_THERE}"


def sums(members: str, choices: Sequence[Choice], *, of: str, only: bool = False) -> str:
    """Return the SELECT of what each choice comes to: its number, start, total, records and what is amiss.

    `of` names the sums; with `only` those that `needed` says.
    """
    added = _ADDED.format(counted="rows")
    needs = f"JOIN made_{of}_needed f ON f.n = c.n AND r.start >= f.first" if only else ""
    each = (
        f"""SELECT c.n, r.start, sum(r.amount) AS total, {added}
FROM chosen c JOIN made_{_named(of, part)} r ON {_meets(part)} {needs} GROUP BY 1, 2"""
        for part in _parts(choices)
    )
    return f"WITH {_WANTED.format(members=f'made_{members}_members')}\n" + "\nUNION ALL ".join(each)


def stands(name: str, with_members: str, rest: str) -> str:
    """Return the SELECT of a number that is another when the members are, or what else all records stand on."""
    more = f" + coalesce((SELECT sum(hash(r)) FROM ({rest}) r), 0)" if rest else ""
    members = f"(SELECT sum(hash(m)) FROM made_{name}_members m)"
    begin = _with(with_members, rest)
    return f"{begin} made AS (SELECT 1) SELECT CAST(coalesce({members}, 0){more} AS VARCHAR) AS print"


def currencies(days: Sequence[str]) -> str:
    """Return the SELECT of the first and the last currency of all records that were read; `days` are names."""
    read = " UNION ALL ".join(f"SELECT first_currency, last_currency FROM made_{one}_days" for one in days)
    return f"SELECT min(first_currency) AS first, max(last_currency) AS last FROM ({read})"


def parameters(choices: Mapping[Choice, int] | Sequence[Choice]) -> tuple[Any, ...]:
    """Return the lists that `sums` is asked with: the choices with their numbers, or with their places."""
    numbers = list(choices.values()) if isinstance(choices, Mapping) else list(range(len(choices)))
    columns = zip(*(astuple(choice) for choice in choices), strict=True)
    return (numbers, *map(list, columns))


def _with(with_members: str, sql: str) -> str:
    """Return how a SELECT begins that has something to look up beside its records, or nothing: that costs, too."""
    return f"WITH RECURSIVE {with_members}," if " FROM home" in sql else "WITH"


def _parts(choices: Sequence[Choice]) -> list[tuple[str, tuple[str, ...]]]:
    return sorted({(choice.grain, choice.narrowed) for choice in choices})


def _named(name: str, part: tuple[str, tuple[str, ...]]) -> str:
    return "_".join([name, part[0], *part[1]])


def _narrows(choices: Sequence[Choice]) -> dict[tuple[str, ...], str]:
    """Return each way of narrowing, and the longest time that all the times are made of that are asked for so."""
    found: dict[tuple[str, ...], set[str]] = {}
    for choice in choices:
        found.setdefault(choice.narrowed, set()).add(choice.grain)
    return {by: next(iter(some)) if len(some) == 1 else "day" for by, some in sorted(found.items())}


def _way(used: Collection[str]) -> str:
    """Return the SQL of a number that stands for a way of narrowing: a bit for each column that it does without."""
    bits = (f"{1 << place} * {f'grouping({one})' if one in used else '1'}" for place, one in enumerate(FILTERS))
    return " + ".join(bits)


def _way_of(narrowed: Collection[str]) -> int:
    return sum(1 << place for place, one in enumerate(FILTERS) if one not in narrowed)


def _used(choices: Sequence[Choice]) -> list[str]:
    return [name for name in FILTERS if any(name in choice.narrowed for choice in choices)]


def _meets(part: tuple[str, tuple[str, ...]]) -> str:
    grain, narrowed = part
    plain = (f"c.{name} = ''" for name in FILTERS if name not in narrowed)
    return " AND ".join(
        ["r.item = c.item", f"c.grain = '{grain}'", *(f"r.{name} = c.{name}" for name in narrowed), *plain]
    )
