"""The page of our own form: what was typed wrong comes back to be corrected, what was typed unseen does not."""

from dataclasses import replace
from importlib.resources import files

from connectors.netsuite.grant import NetSuiteGrants
from storage.facts.flows import FlowState
from tests.bot.page_stage import BROWSER, LINK, VIEW, built, form

ASKS = replace(VIEW, state=FlowState.PROVEN, form=NetSuiteGrants.form)
#: A browser sends what is empty and what is out of sight as well.
EMPTY = {one.name: one.choices[0].value if one.choices else "" for one in NetSuiteGrants.form}
TYPED = EMPTY | {
    "bucket": "deliveries",
    "feeds": "</textarea><b>",
    "secret": "s3cret-key",
    "service_account": "s3cret-file",
}


async def test_a_form_is_drawn_sent_and_drawn_again() -> None:
    site = built(ASKS)
    async with site.browser() as client:
        drawn = await client.get(f"/connect/l/{LINK}")
        assert 'name="bucket"' in drawn.text
        assert 'type="password"' in drawn.text
        assert (
            drawn.text.index("<h2>Mailbox</h2>") < drawn.text.index('name="user"') < drawn.text.index("<h2>Bucket</h2>")
        )
        assert drawn.text.count("<h2>") == len({one.group for one in NetSuiteGrants.form if one.group})
        site.flows.refusing = "The bucket <refuses> this key."
        again = await client.post(f"/connect/l/{LINK}/form", data=form(BROWSER, state="forged", **TYPED))
        assert again.status_code == 200
        assert 'value="deliveries"' in again.text
        assert "&lt;refuses&gt;" in again.text
        assert "</textarea><b>" not in again.text
        assert "s3cret" not in again.text
        assert dict(site.flows.queries[-1]) == {
            "flow": "flw_1",
            **TYPED,
        }  # neither our mark nor a state of the browser's
        site.flows.refusing = ""
        taken = await client.post(f"/connect/l/{LINK}/form", data=form(BROWSER, **TYPED))
        assert (taken.status_code, taken.headers["location"]) == (303, "/connect/done")
        foreign = await client.post(f"/connect/l/{LINK}/form", data=TYPED)
        assert foreign.status_code == 403
        assert len(site.flows.queries) == 2


def test_what_is_asked_only_for_some_choices_has_its_rule() -> None:
    style = (files("bot") / "pages/html/style.css").read_text()
    choices = {choice.value for one in NetSuiteGrants.form for choice in one.choices}
    for field in NetSuiteGrants.form:
        assert not (field.only and field.required), field.name  # nobody could send what is out of sight
        for value in field.only:
            assert value in choices
            assert f'option[value="{value}"]:checked' in style
            assert f".only-{value}" in style
