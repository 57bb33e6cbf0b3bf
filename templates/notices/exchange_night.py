"""What came of a night of files, in one message for whoever chose to be told."""

from collections.abc import Sequence
from datetime import date

from storage.facts.exchange import ExchangeRun, Pair, RunState
from storage.facts.exchange_view import NightView
from storage.facts.messages import Code, Heading, Inline, Message, Note, Paragraph, Part, Strong, Table, When
from templates import times
from templates.notices.exchange_pieces import reject_line
from templates.notices.exchange_words import ENDINGS, amount, command
from templates.text import counted, label, listed, number, shorten

#: records of each file that are named
_NAMED = 5
#: PocketAdvantage has what QuickBooks had
_GOOD = (RunState.DONE, RunState.UNCHANGED, RunState.RELEASED)


def exchange_night(organization: str, view: NightView) -> Message:
    """Return how each file of a night stands; what is not there is named first."""
    night = date.fromisoformat(view.night)
    missing = [(pair, run) for pair, run in view.files if run is None or run.state not in _GOOD]
    files = counted(len(view.files), "file")
    left = [(pair, run) for pair, run in view.files if run is not None and run.state in _GOOD and run.rejected]
    verdict = _verdict(missing, left, files, len(view.files))
    summary = f"{label(organization)}, night of {night:%b} {night.day}: {verdict}"
    parts: list[Part] = [
        Heading(f"Files for PocketAdvantage, night of {times.day(night)}"),
        Paragraph((Strong(verdict), f" Account {label(view.source.account)}.")),
        Table("Files of the night", ("File", "What came of it", "Rows", "Data as of"), tuple(map(_row, view.files))),
    ]
    parts += [Paragraph(_next(view.source.account, pair, run)) for pair, run in missing]
    parts += [_left_out(view, pair, run) for pair, run in left]
    parts.append(Note(("How everything stands: ", Code("/data exchange"), ". Not told of this any more: ",
                       Code("/data notify sent off"), ".")))  # fmt: skip
    return Message(summary, tuple(parts), kind="exchange_night")


def _verdict(
    missing: Sequence[tuple[Pair, ExchangeRun | None]], left: Sequence[tuple[Pair, ExchangeRun]], files: str, count: int
) -> str:
    lacking = f" {listed([amount(pair, run.rejected) for pair, run in left])} left out." if left else ""
    if not missing:
        return f"{files}{'.' if left else ', as QuickBooks had it.'}{lacking}"
    names = listed([pair.label.lower() for pair, _ in missing])
    said = f"{number(count - len(missing))} of {files}{'' if left else ' as QuickBooks had it'}; look at {names}."
    return f"{said}{lacking}"


def _left_out(view: NightView, pair: Pair, run: ExchangeRun) -> Paragraph:
    """Name what a file lacks, with the reason, and say when it goes."""
    verb, they = ("was", "It goes") if run.rejected == 1 else ("were", "They go")
    some = tuple((reject_line(one),) for one in view.left_out.get(pair, ())[:_NAMED])
    more = run.rejected - len(some)
    look = Code(command(view.source.account, pair))
    rest: tuple[tuple[Inline, ...], ...] = ((f"and {number(more)} more: ", look, "."),) if more > 0 else ()
    said = f"{amount(pair, run.rejected)} {verb} left out. {they} with the next file once that is put right."
    return Paragraph((Strong(f"{pair.label}: "), said), under=(*some, *rest))


def _row(one: tuple[Pair, ExchangeRun | None]) -> tuple[tuple[Inline, ...], ...]:
    pair, run = one
    if run is None:
        return ((pair.label,), ("did not run",), ("–",), ("–",))
    rows = number(run.rows) if run.state in _GOOD else "–"
    return ((pair.label,), (ENDINGS[run.state],), (rows,), (When(run.as_of),) if run.as_of else ("–",))


def _next(account: str, pair: Pair, run: ExchangeRun | None) -> tuple[Inline, ...]:
    why = shorten(label(run.why).rstrip("."), 200) if run is not None and run.why else ""
    said = f"{ENDINGS[run.state] if run else 'did not run'}{f' ({why})' if why else ''}. Look at it: "
    return (Strong(f"{pair.label}: "), said, Code(command(account, pair)), ".")
