"""The mapping in Slack: shown to all, changed by admins after a look, what is wrong beside the text, versions back."""

import random
from collections.abc import Callable

import pytest

from bot.exchange_mapping import _packed, _unpacked
from jobs.errors import NotFoundError
from sandbox.slack.views import View
from storage.facts.exchange_mapping import MappingWish, WishKind
from templates import actions
from templates.forms.mapping import LAYERS, example, pieces
from tests.bot.stage import Stage, staged
from tests.bot.test_channel_words import told

ADMIN, VIEWER = "U0DANIEL", "U0PRIYA"
(LAYER, *_) = LAYERS


async def until(stage: Stage, seen: Callable[[View], bool]) -> View:
    def look() -> View | None:
        view = stage.slack.modal(ADMIN)
        return view if view is not None and seen(view) else None

    found = await stage.slack.wait_for(look)
    assert found is not None
    return found


async def pressed(stage: Stage, action: str, said: str = "") -> None:
    card = [m for m in stage.slack.messages("C0FINANCE", viewer=ADMIN) if action in m.actions][-1]
    assert (await stage.slack.click(ADMIN, card, action)).ok
    if said:
        await stage.slack.wait_for(lambda: [t for t in stage.seen(ADMIN, "C0FINANCE") if said in t])


async def opened(stage: Stage) -> View:
    await told(stage, ADMIN, "exchange customers mapping")
    await pressed(stage, actions.MAPPING_FORM)
    return await until(stage, lambda view: LAYER in view.inputs)


async def test_everybody_sees_it_and_only_admins_are_offered_to_change_it() -> None:
    async with staged() as stage:
        for words in ("exchange customers mapping", "exchange mapping"):
            seen = await told(stage, VIEWER, words)
            for said in ("an assumption, to be confirmed with three real files", "PHONE: was PrimaryPhone", "Maya Chen",
                         "belongs to Temerity Goods Inc.", "What an order becomes is fixed"):  # fmt: skip
                assert said in seen, said
        offered = [m.actions for m in stage.slack.messages("C0FINANCE", viewer=VIEWER)][-1]
        assert actions.MAPPING_VERSIONS in offered
        assert not {actions.MAPPING_FORM, actions.MAPPING_LOOK} & set(offered)
        assert "cannot be mapped" in await told(stage, VIEWER, "exchange orders mapping")
        assert stage.slack.refused == []


async def test_a_text_is_looked_at_with_real_rows_and_then_saved_once() -> None:
    async with staged() as stage:
        view = await opened(stage)
        typed = 'pairs:\n  customers:\n    change:\n      PHONE: \'or_else("<a&b>", "“ü”")\''
        # What was written comes back line by line.
        assert view.inputs[LAYER]["initial_value"].startswith("# What the warehouse in Reno wants.\npairs:\n  cust")
        assert (await stage.slack.submit_view(ADMIN, {LAYER: typed})).ok
        look = await until(stage, lambda view: "Nothing is saved yet" in str(view.blocks))
        shown = str(look.blocks)
        for said in ("“(555) 0100” → “(555) 0177”", "of the first 10,000 customers, 31 become another",
                     "812: was sent; is refused, PHONE: has 22", "90: was left out: not active; is sent"):  # fmt: skip
            assert said in shown, said
        assert look.previous_id == view.id
        assert stage.services.adapting.saved == {}
        assert (await stage.slack.submit_view(ADMIN)).ok
        done = await until(stage, lambda view: "saved as version 5" in str(view.blocks))
        assert done.content["clear_on_close"]
        ((_, wish),) = stage.services.adapting.saved.items()
        assert wish == MappingWish("xpr_customers", 4, WishKind.LAYER, typed)
        # What the ack lays over the form may come after what fills it: that is tried again.
        assert {one.error for one in stage.slack.refused} <= {"not_found"}


async def test_what_is_wrong_is_said_beside_the_text_and_somebody_elses_change_is_told() -> None:
    async with staged() as stage:
        await opened(stage)
        await stage.slack.submit_view(ADMIN, {LAYER: "pairs: wrong"})
        view = await until(stage, lambda view: bool(view.errors))
        assert "line 3: customers PHONE: not allowed at col 1" in view.errors[LAYER]
        stage.services.adapting.against = "Maya Chen saved version 5 of the mapping meanwhile"
        await stage.slack.submit_view(ADMIN, {LAYER: "pairs: {}"})
        view = await until(stage, lambda view: "Maya" in view.errors.get(LAYER, ""))
        stage.services.adapting.against = ""
        await stage.slack.submit_view(ADMIN, {LAYER: "pairs: {}"})
        await until(stage, lambda view: "Nothing is saved yet" in str(view.blocks))
        stage.services.adapting.against = "Maya Chen saved version 5 of the mapping meanwhile"
        await stage.slack.submit_view(ADMIN)
        await until(stage, lambda view: "Nothing was saved: Maya Chen" in str(view.blocks))
        assert stage.services.adapting.saved == {}


async def test_an_earlier_version_and_a_newer_profile_are_shown_before_they_are_taken() -> None:
    async with staged() as stage:
        await told(stage, ADMIN, "exchange customers mapping")
        await pressed(stage, actions.MAPPING_VERSIONS, "Earlier versions of the mapping")
        await pressed(stage, actions.MAPPING_LOOK, "Bring version 3 back?")
        assert stage.services.adapting.saved == {}
        for _ in range(2):
            await pressed(stage, actions.MAPPING_SET)
        await stage.slack.wait_for(lambda: stage.services.adapting.saved)
        ((_, wish),) = stage.services.adapting.saved.items()
        assert (wish.kind, wish.seen, wish.number) == (WishKind.VERSION, 4, 3)
        assert stage.slack.refused == []


def test_a_form_carries_a_text_whole_and_nothing_that_is_not_of_our_making() -> None:
    text = "".join(f'      C{number}: BillAddr.Line{number % 5} & "ü“"\n' for number in range(200))
    wish = MappingWish("xpr_1", 3, WishKind.LAYER, text)
    assert len(_packed(wish)) < 3_000
    assert _unpacked(_packed(wish, "card_1")) == (wish, "card_1")
    assert _unpacked(_packed(MappingWish("xpr_1", 0, WishKind.LAYER)))[0].layer == ""
    bomb = _packed(MappingWish("xpr_1", 3, WishKind.LAYER, "a" * 5_000_000))
    for value in ("{}", "", "[]", _packed(wish).replace('"z":"', '"z":"!'), _packed(wish)[:-30] + '"}', bomb):
        with pytest.raises(NotFoundError):
            _unpacked(value)
    assert "\n".join(pieces(text)) == text
    assert all(len(piece) <= 2_900 for piece in pieces(text))
    chosen = random.Random(7)
    for _ in range(50):
        some = "\n".join("x" * chosen.randrange(400) for _ in range(chosen.randrange(1, 60)))
        assert "\n".join(pieces(some)) == some


@pytest.mark.parametrize("pair", ["customers", "items", "vendors", "sales_reps", "invoices"])
def test_what_the_form_gives_as_an_example_is_one(pair: str) -> None:
    from jobs.exchange.mapping import load_profile
    from jobs.exchange.mapping.differing import differences
    from jobs.exchange.mapping.layers import merged, read_layers
    from storage.facts.exchange import Pair

    lines = [line.removeprefix("# ") for line in example(Pair(pair)).split("\n")]
    base = load_profile()
    assert differences(base, merged(base, read_layers("\n".join(lines[1:]))).profile)
    assert differences(base, merged(base, read_layers(example(Pair(pair)))).profile) == []
