"""The form in which an organization writes its own mapping, and the look at what that would change."""

from collections.abc import Sequence

from storage.facts.exchange import Pair
from storage.facts.exchange_mapping import MappingLook, MappingView
from storage.facts.messages import Code, Form, Note, Paragraph, Part, Strong, TextInput
from templates import actions
from templates.notices.exchange_mapping import look_parts
from templates.notices.exchange_words import RECORDS
from templates.text import label, shorten

#: the inputs; a text that is longer than one is typed on in the next
LAYERS = ("layer", "layer_2", "layer_3")
#: units of an input; Slack takes 3,000
_ROOM = 2_900
#: an input with more in it than that gets another one below it
_NEARLY_FULL = 2_000
_EXAMPLES = {
    Pair.CUSTOMERS: ("PHONE", "Mobile.FreeFormNumber"),
    Pair.ITEMS: ("DESC", "or_else(PurchaseDesc, Description)"),
    Pair.VENDORS: ("PHONE", "Mobile.FreeFormNumber"),
    Pair.SALES_REPS: ("NAME", "PrintOnCheckName"),
    Pair.INVOICES: ("PO_NO", 'custom_field("P.O. Number")'),
}


def waiting(callback: str) -> Form:
    """Return a form as it opens, at once; a moment later it is filled."""
    said = "One moment, your mapping is being looked at." if callback == actions.MAPPING_FORM else (
        "One moment, your QuickBooks data is being looked at."
    )  # fmt: skip
    return Form(callback, "Mapping", "", (Paragraph((said,)),), close="Close")


def example(pair: Pair) -> str:
    """Return what stands in the form of an organization that has nothing of its own: how it is written."""
    column, made_from = _EXAMPLES[pair]
    lines = ("Only what is wanted otherwise, without the # before it. For example:", "pairs:", f"  {pair.value}:",
             "    change:", f"      {column}: {made_from}")  # fmt: skip
    return "\n".join(f"# {line}" for line in lines)


def change_form(view: MappingView, private: str) -> Form:
    """Return the form with the organization's own text in it."""
    name = RECORDS[view.pair][1]
    column, made_from = _EXAMPLES[view.pair]
    short = f"pairs: {{{view.pair.value}: {{change: {{{column}: {made_from}}}}}}}"
    parts: list[Part] = [
        Paragraph(
            (
                "Write only what is wanted otherwise than pre-built, by file and column: ", Code("change"), ", ",
                Code("add"), ", ", Code("remove"), ", ", Code("move"), " or ", Code("skip"), ", and ", Code("tables"),
                " of your own. Empty: everything as pre-built.",
            )
        ),
        Paragraph((Strong("In one line: "), Code(short))),
        Note((f"Columns of {name}: {', '.join(label(column.name) for column in view.columns)}.",)),
        Note((f"Fields of {name} in QuickBooks: {', '.join(label(field) for field in view.fields)}.",)),
        Note((f"One text for all files and all connections of {label(view.organization)}.",)),
    ]  # fmt: skip
    texts = pieces(view.layer or example(view.pair))
    if len(texts[-1]) > _NEARLY_FULL:
        texts.append("")
    inputs = [
        TextInput(
            LAYERS[place],
            "Your own mapping (YAML)" if place == 0 else "Your own mapping, continued",
            "What is wrong is said here, with its line; lines of all boxes are counted through." if place == 0 else "",
            text,
            optional=True,
            multiline=True,
        )
        for place, text in enumerate(texts[: len(LAYERS)])
    ]
    return Form(actions.MAPPING_FORM, "Change the mapping", "Look at it first", tuple(parts), inputs, private)


def fits(layer: str) -> bool:
    """Whether a text can be shown in the form whole; one that came another way may be longer."""
    return len(pieces(layer)) <= len(LAYERS)


def pieces(text: str) -> list[str]:
    """Return a text in pieces that an input takes, cut between lines."""
    found, room = [""], _ROOM
    for line in text.split("\n"):
        if found[-1] and len(found[-1]) + len(line) + 1 > room:
            found.append("")
        found[-1] = f"{found[-1]}\n{line}" if found[-1] else line
    return found


def look_form(look: MappingLook, private: str) -> Form:
    """Return what the change would come to, with the button that saves it."""
    parts = tuple(look_parts(look))
    return Form(actions.MAPPING_SAVE, "Look at it first", "Save", parts, (), private, close="Back")


def refused_form(why: str) -> Form:
    """Return that it cannot be looked at, and why; closing it leads back to the text."""
    said = Paragraph((Strong("This cannot be shown now: "), f"{shorten(label(why).rstrip('.'), 300)}."))
    return Form(
        actions.MAPPING_SAVE, "Not possible", "", (said, Note(("Press Back; your text is still there.",))), close="Back"
    )


def too_long_form() -> Form:
    """Return that the text has more than Slack can show."""
    said = Paragraph(("Your own mapping is longer than a form of Slack can hold, so it cannot be changed here.",))
    return Form(actions.MAPPING_FORM, "Not possible", "", (said,), close="Close")


def errors_of(problems: Sequence[str]) -> str:
    """Return what is wrong, for the place beside the input."""
    most = 5
    more = f" And {len(problems) - most} more." if len(problems) > most else ""
    return shorten(". ".join(label(each).rstrip(".") for each in problems[:most]), 1_000) + "." + more
