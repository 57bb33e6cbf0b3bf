"""Parts into blocks: what must be there first, then the rest in order, then a word about what found no room."""

from collections.abc import Sequence

from storage.facts.charts import Chart
from storage.facts.messages import Buttons, Heading, Part, Steps, Thumbs
from templates.slack import limits
from templates.slack.inline import Reader
from templates.slack.limits import Rung
from templates.slack.parts import render_part
from templates.slack.room import Block, Room, context, more

#: What each later part may expect of the text, while an earlier one is laid out.
_FAIR = 300
#: Room for the sentence about parts that were left out.
_ADMIT = 40


def lay_out(parts: Sequence[Part], rung: Rung, reader: Reader, room: Room) -> list[Block]:
    """Return the blocks of all parts, without ids.

    Headings and buttons are placed before anything else gets room: a long table must not push out the one next step.
    Only one table is drawn as a table, and two charts as charts; Slack takes no more in a message.
    """
    drawn: dict[int, list[Block]] = {}
    room = Room(room.chars - _ADMIT, room.blocks - 1)
    pinned = [index for index, part in enumerate(parts) if isinstance(part, Heading | Buttons)]
    others = [index for index, part in enumerate(parts) if not isinstance(part, Heading | Buttons)]
    share = Room(room.chars // 2, room.blocks // 2 if others else room.blocks)
    for index in pinned:
        drawn[index] = render_part(parts[index], rung, reader, share)
        share, room = share.less(drawn[index]), room.less(drawn[index])
    taken = _Taken()
    for place, index in enumerate(others):
        later = len(others) - place - 1
        fair = Room(
            room.chars - min(later * _FAIR, room.chars // 2), max(1, room.blocks - min(later, room.blocks // 2))
        )
        part = parts[index]
        best = rung
        if not isinstance(part, Steps | Thumbs):
            best = taken.rung(part, max(rung, Rung.NATIVE, key=list(Rung).index))
        drawn[index] = render_part(part, best, reader, fair if room.blocks else room)
        taken.count(drawn[index])
        room = room.less(drawn[index])
    blocks = [block for index in range(len(parts)) for block in drawn[index]]
    hidden = sum(1 for index, part in enumerate(parts) if not drawn[index] and _says_something(part))
    return [*blocks, context(more(hidden, "part"))] if hidden else blocks


class _Taken:
    """What of which Slack takes only so many is drawn already."""

    def __init__(self) -> None:
        self._tables = 0
        self._charts = 0

    def rung(self, part: Part, best: Rung) -> Rung:
        """Return how a part is drawn."""
        rungs = list(Rung)
        chart = isinstance(part, Chart)
        if chart and self._charts < limits.CHARTS and best is Rung.NATIVE:
            return best
        below = Rung.FIELDS if self._tables >= limits.TABLES else Rung.DATA_TABLE if chart else best
        return max(best, below, key=rungs.index)

    def count(self, blocks: Sequence[Block]) -> None:
        """Count what was drawn."""
        kinds = [block["type"] for block in blocks]
        self._tables += sum(kind in {"table", "data_table"} for kind in kinds)
        self._charts += kinds.count("data_visualization")


def _says_something(part: Part) -> bool:
    """Whether the part has anything to show, so that leaving it out must be admitted."""
    content = getattr(part, "parts", None) or getattr(part, "rows", None) or getattr(part, "steps", None)
    content = content or getattr(part, "series", None)
    return bool(content) or isinstance(part, Heading) or (isinstance(part, Buttons) and bool(part.buttons))


def name_blocks(blocks: Sequence[Block], stem: str, revision: int) -> list[Block]:
    """Give every block an id that is the same for the same message and revision, and every action an id of its own."""
    seen: dict[str, int] = {}
    for index, block in enumerate(blocks):
        block.setdefault("block_id", f"{stem}.{revision}.{index}"[-limits.BLOCK_ID :])
        beside = [block["accessory"]] if "accessory" in block else []
        for element in (*block.get("elements", ()), *beside):
            if "action_id" in element:
                element["action_id"] = _numbered(element["action_id"], seen)
    return list(blocks)


def _numbered(action: str, seen: dict[str, int]) -> str:
    seen[action] = seen.get(action, 0) + 1
    return action if seen[action] == 1 else f"{action}:{seen[action]}"


def action_name(action_id: str) -> str:
    """Return the name of the button behind an action id: ``refresh_cancel:2`` is a `refresh_cancel`."""
    return action_id.partition(":")[0]
