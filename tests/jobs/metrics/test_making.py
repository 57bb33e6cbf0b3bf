"""What a form makes of its fields, which company words mean, an edit while a calculation runs, three hundred metrics."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from jobs.metrics.calling import company_of, in_company
from jobs.metrics.checking import MetricRefusedError
from jobs.metrics.choosing import Ask, Catalogue, Names
from jobs.metrics.filling import complaints, filled
from jobs.metrics.fitting import BEGINS, fits, fitted
from jobs.metrics.standing import shown_of
from storage.facts.clock import OffsetClock
from storage.facts.dependents import Dependent, DependentKind
from storage.facts.metric_drafts import Desk, Draft
from storage.facts.metrics import Calculation, Dataset, Definition, Frequency, ItemKind, Selection
from storage.records import metric_changes, metric_keeping, metrics
from storage.records.metric_keeping import Calculated
from storage.sessions import Database, Session
from storage.tables import ConnectionRow
from templates.notices.disconnect import disconnect_card
from templates.notices.metrics import metric_shown
from templates.notices.standstill import named
from tests.bot.twins.world import QBO, status_of
from tests.storage.records.test_metrics import NOW, seeded, value

DESK = Desk({"src_1": "Temerity", "src_2": "Rival"}, {"mem_1": "Maya"}, {"T/C": "#finance"}, "UTC")
NAMES = Names({"account": [("1", "Cash:Checking", "Bank", "Asset")], "class": [("7", "East", "", "")]})
DRAFT = Draft("card_1", "src_1", BEGINS, "Cash", owner_id="mem_1")


def test_what_does_not_fit_is_taken_out_and_what_is_wrong_is_named_by_its_field() -> None:
    said = {"dataset": "accounts", "item.accounts.src_1": "account:1", "calculation": "end_balance"}
    draft, wrong = filled(DRAFT, {**said, "frequency": "weekly"}, DESK, NAMES)
    assert (wrong, complaints(draft)) == ({}, {})
    chosen = draft.definition.selection
    assert (chosen.kind, chosen.item, chosen.item_name) == (ItemKind.ACCOUNT, "1", "Cash:Checking")
    moved, _ = filled(draft, {"dataset": "profit_and_loss"}, DESK, NAMES)
    assert moved.definition == replace(BEGINS, frequency=Frequency.MONTHLY)
    assert set(complaints(moved)) == {"item"}
    # Ids of another company are nothing here, and neither is what the other one's menu offered.
    other, _ = filled(draft, {"company": "src_2", "item.accounts.src_1": "account:1"}, DESK, NAMES)
    assert other.definition.selection == Selection(Dataset.ACCOUNTS)
    bad = {"target": "5 apples", "currency": "dollars", "window": "1", "zone": "Mars/Base", "owner": "mem_9",
           "post_to": "T/X", "company": "src_9", "item.accounts.src_1": "account:9"}  # fmt: skip
    again, wrong = filled(draft, bad, DESK, NAMES)
    assert set(wrong) == {"item", *bad} - {"item.accounts.src_1"}
    assert again.definition == draft.definition


def test_a_program_names_the_company_where_there_are_several() -> None:
    one = replace(QBO, company="Temerity Goods")
    two = replace(QBO, id="src_2", company="Rival Traders")
    assert company_of("", [one]) == company_of("temerity goods", [one, two]) == one
    for name, connected in (("", [one, two]), ("Rival Traders", [one]), ("Temerity Goods", [one, one])):
        with pytest.raises(MetricRefusedError) as refused:
            company_of(name, connected)
        assert refused.value.field == "company"


def test_every_choice_of_a_dataset_and_a_calculation_can_be_calculated_once_its_items_are_chosen() -> None:
    for dataset in Dataset:
        for calculation in Calculation:
            definition = fitted(Definition(Selection(dataset), calculation, frequency=Frequency.WEEKLY))
            shape = fits(definition)
            assert definition.calculation in shape.calculations
            assert definition.frequency in shape.frequencies
            draft = replace(DRAFT, definition=definition)
            assert {field.removeprefix("by_") for field in complaints(draft)} <= {"item"}, (dataset, calculation)


def test_a_target_of_growth_is_typed_in_percent() -> None:
    draft, _ = filled(DRAFT, {"calculation": "growth", "target": "12.5 %", "direction": "at_most"}, DESK, NAMES)
    assert draft.definition.target is not None
    assert draft.definition.target.value == Decimal("0.125")


@pytest.mark.parametrize(
    "typed, value",
    [("40,000", "40000"), ("-1,234,567.89", "-1234567.89"), ("12,5", None), ("1.234,56", None), ("1,23,456", None),
     (",5", None), ("40000", "40000"), ("٤٠", None), ("1e5", None)],
)  # fmt: skip
def test_a_comma_stands_between_thousands_or_the_target_is_asked_for_again(typed: str, value: str | None) -> None:
    draft, wrong = filled(DRAFT, {"target": typed}, DESK, NAMES)
    assert ("target" in wrong) == (value is None)
    assert (draft.definition.target and draft.definition.target.value) == (Decimal(value) if value else None)


class _Mixed(Catalogue):
    """A broken twin: whatever was looked up for a source is everybody's."""

    async def soon(self, organization_id: str, source_id: str, ask: Ask) -> Names | None:
        return await super().soon("", source_id, ask)


@pytest.mark.parametrize("made", [Catalogue, _Mixed])
async def test_names_are_asked_for_once_for_ten_minutes_and_never_for_another_organization(
    made: type[Catalogue],
) -> None:
    clock, asked = OffsetClock(), []

    def ask(owner: str) -> Ask:
        async def answer(questions: object) -> list[list[list[str]]]:
            asked.append(owner)
            await asyncio.sleep(0)
            return [[[owner, owner, "", ""]], *([] for _ in range(7))]

        return answer

    kept = made(clock)
    both = await asyncio.gather(*(kept.soon(owner, "src_1", ask(owner)) for owner in ("org_1", "org_1", "org_2")))
    if made is _Mixed:
        assert both[0] is both[2], "the twin mixes"
        return
    assert asked == ["org_1", "org_2"]
    assert both[0] is both[1] is not both[2]
    clock.advance(timedelta(minutes=11))
    await kept.soon("org_1", "src_1", ask("org_1"))
    assert asked == ["org_1", "org_2", "org_1"]
    await kept.close()


def test_a_metric_that_is_there_keeps_its_company() -> None:
    """Ids of another company would be looked for in the books of the first one, and some are there by chance."""
    desk = Desk({"src_1": "Temerity", "src_2": "Rival"}, {"mem_1": "Maya"}, {}, "UTC")
    draft = Draft("card", "src_1", BEGINS, "Cash", "met_1", 1, "mem_1")
    left, wrong = filled(draft, {"company": "src_2"}, desk, None)
    assert (left.source_id, set(wrong)) == ("src_1", {"company"})
    assert filled(replace(draft, metric_id=""), {"company": "src_2"}, desk, None)[0].source_id == "src_2"


def test_of_several_companies_the_words_say_which() -> None:
    rival = replace(QBO, id="src_2", label="quickbooks_2", company="Rival, Inc.")
    assert in_company("N = revenue, weekly, in rival, inc.", [QBO, rival]) == (rival, "N = revenue, weekly")
    assert in_company("N = accounts: Rent, in advance", [QBO]) == (QBO, "N = accounts: Rent, in advance")
    with pytest.raises(MetricRefusedError, match=r"end with “, in Temerity Goods LLC” or “, in Rival, Inc\.”"):
        in_company("N = revenue", [QBO, rival])
    with pytest.raises(MetricRefusedError, match="in quickbooks_9341"):
        in_company("N = revenue, in Rival, Inc.", [replace(QBO, company="Rival, Inc."), rival])


def test_values_of_the_definition_before_stay_and_a_calculation_of_it_that_still_runs_keeps_nothing(
    sqlite_database: Database,
) -> None:
    sqlite_database.in_write(_edited_while_running)


def _edited_while_running(session: Session) -> None:
    metric = seeded(session)
    session.add(ConnectionRow(source_id="src_1", organization_id="org_1", state="connected", since=NOW))
    of = Calculated("run_1", 1, NOW, "USD", 1)
    assert metric_keeping.keep(session, metric, [value(1, "0.5")], of, NOW)
    assert metrics.redefine(session, metric, replace(metric.definition, reversed=True), "mem_1", NOW)
    # It began before the change.
    assert metric_keeping.keep(session, metric, [value(1, "9")], of, NOW) == []
    metric_changes.set_noun(session, "org_1", "Goal")
    found = metric_changes.find(session, "org_1", metric.id)
    assert found is not None
    assert metric_changes.find(session, "org_2", metric.id) is None
    values = {metric.id: tuple(metrics.newest_values(session, metric.id))}
    (shown,) = shown_of(session, [found], values, NOW)
    assert shown.before == metric.definition
    told = str(metric_shown(shown, NOW))
    assert "Goal Cash ratio: 0.50" in told
    assert "These values are from before" in told
    assert metric_changes.erase(session, found) == 1
    assert metrics.of_organization(session, "org_1") == []


def test_three_hundred_metrics_that_freeze_are_counted_and_some_are_named() -> None:
    still = [Dependent(DependentKind.METRIC, f"met_{n}", f"Metric {n}") for n in range(300)]
    told = str(disconnect_card("Temerity", status_of(QBO), NOW, dependents=still))
    assert "Metrics that freeze" in told
    called = str(disconnect_card("T", status_of(QBO), NOW, dependents=[replace(one, noun="Goal") for one in still]))
    assert "Goals that freeze" in called
    assert "goals (Metric 0" in named([replace(one, noun="Goal") for one in still])
    assert "300 in all: Metric 0," in told
    assert "and 290 more. All of them: " in told
    assert "Metric 11" not in told
