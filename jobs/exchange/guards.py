"""What stops a file until a person has looked at it."""

from datetime import timedelta

from storage.facts.exchange import ExchangePair, ExchangeRun, Guard, Held, Mode

#: A full file with over a fifth fewer rows than the last good one, or the largest of a week, is held.
WEEK = timedelta(days=7)
_LEAST = 0.8
#: keys that a person is shown
_SHOWN = 20


def judged(pair: ExchangePair, run: ExchangeRun, rows: int, removed: tuple[str, ...], most: int = 0) -> Held | None:
    """Return what stops a file of that many rows; None: it may go. `most`: rows of the largest file of a week.

    What shrinks by a little each night is held once that is over a fifth within the week.

    A person who let a guard pass agreed to a number of rows: what is far below that is held again.
    """
    if pair.pair.mode is not Mode.FULL:
        return None
    before = pair.last.rows if pair.last is not None else None
    if rows == 0 and before != 0:
        return None if Guard.EMPTY in run.agreed else _held(Guard.EMPTY, before or 0, rows, removed)
    if before is None:
        return None
    before = max(before, most)
    if rows >= before * _LEAST:
        return None
    agreed = run.agreed.get(Guard.SHRINK)
    if agreed is not None and rows >= agreed * _LEAST:
        return None
    return _held(Guard.SHRINK, before, rows, removed)


def _held(guard: Guard, before: int, after: int, removed: tuple[str, ...]) -> Held:
    return Held(guard, before, after, removed[:_SHOWN], len(removed))
