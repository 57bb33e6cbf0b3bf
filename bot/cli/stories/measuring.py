"""How a story makes a metric: as Daniel, through the form in Slack, with what he searches in its menus."""

from dataclasses import dataclass

from bot.cli.stories.stage import Stage
from sandbox.slack.views import View
from storage.facts.metrics import Calculation, Dataset, Frequency
from templates import actions

DANIEL, FINANCE = "U0DANIEL", "C0FINANCE"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is searched in a menu: the letters that are typed, and what the one that is meant is called."""

    letters: str
    name: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A metric as somebody wants it."""

    name: str
    calculation: Calculation
    dataset: Dataset
    item: Chosen | None = None
    #: what a ratio is divided by
    by: Chosen | None = None
    frequency: Frequency = Frequency.MONTHLY
    target: str = ""


async def made(stage: Stage, source_id: str, wanted: Wanted) -> str:
    """Open the form, choose and search, look at the last values, and save; return what the look showed."""
    await stage.act(lambda: stage.slack.command(DANIEL, FINANCE, "/data", "metric new"))
    await stage.see("the form of a metric", lambda: _asks(stage, _turn("dataset")))
    await _turned(stage, _turn("dataset"), wanted.dataset.value)
    await _turned(stage, _turn(f"calculation.{wanted.dataset.value}"), wanted.calculation.value)
    form = await stage.outside(lambda: stage.slack.modal(DANIEL))
    assert form is not None
    often = next(one["block_id"] for one in form.blocks if one.get("block_id", "").startswith(_turn("frequency.")))
    await _turned(stage, often, wanted.frequency.value)
    answers: dict[str, object] = {"name": wanted.name, "target": wanted.target}
    for side, chosen in (("item", wanted.item), ("by_item", wanted.by)):
        if chosen is not None:
            menu = f"{actions.METRIC_SEARCH}:{side}.{wanted.dataset.value}.{source_id}"
            answers[menu] = await _searched(stage, menu, chosen)
    await stage.act(lambda: stage.slack.submit_view(DANIEL, answers))
    preview = await stage.see("its last values", lambda: _says(stage, "Nothing is saved yet"))
    looked = str(preview.blocks)
    await stage.act(lambda: stage.slack.submit_view(DANIEL, {}, preview))
    done = await stage.see("that it is made", lambda: _says(stage, f"{wanted.name} is made"))
    await stage.act(lambda: stage.slack.close_view(DANIEL, done, everything=True))
    return looked


async def _turned(stage: Stage, field: str, value: str) -> None:
    """Choose something on which other fields depend, and wait for the form that is drawn for it."""
    form = await stage.see(f"the field {field}", lambda: _asks(stage, field))
    before = form.hash
    await stage.act(lambda: stage.slack.click(DANIEL, form, field, value))
    await stage.see(f"the form after {value}", lambda: _other(stage, before))


async def _searched(stage: Stage, menu: str, chosen: Chosen) -> str:
    """Type into a menu until what is meant is offered; its names may still be looked up."""
    found: list[str] = []

    async def offered() -> bool:
        options = await stage.brought(lambda: stage.slack.type_into(DANIEL, menu, chosen.letters))
        found[:] = [one["value"] for one in options if one["text"]["text"] == chosen.name]
        return bool(found)

    await stage.until(f"{chosen.name!r} among what is offered for {chosen.letters!r}", offered)
    return found[0]


def _turn(field: str) -> str:
    return f"{actions.METRIC_TURN}:{field}"


def _asks(stage: Stage, name: str) -> View | None:
    form = stage.slack.modal(DANIEL)
    return form if form is not None and any(one.get("block_id") == name for one in form.blocks) else None


def _says(stage: Stage, words: str) -> View | None:
    form = stage.slack.modal(DANIEL)
    return form if form is not None and words in str(form.blocks) else None


def _other(stage: Stage, before: str) -> View | None:
    form = stage.slack.modal(DANIEL)
    return form if form is not None and form.hash != before else None
