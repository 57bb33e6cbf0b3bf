"""Hostile and merely unlucky text, and whole messages made of it."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import strategies as st

from storage.facts import messages as m
from storage.facts.charts import Chart, ChartKind, Series

FRAGMENTS = [
    "<!channel>", "<!here|x>", "<!subteam^S1>", "<@U1>", "<#C1|general>", "<https://evil.example|QuickBooks>", "https://evil.example/x",
    "<!date^1^{date}|now>", "*bold*", "_it_", "~gone~", "`code`", "```", ":skull:", "&lt;!channel&gt;", "&amp;", "&", "<", ">", "> quote",
    "\u202eevil\u202c", "\u2066x\u2069", "\u200b", "\x00", "\x1b[31m", "\r\n", "\n", "\u2028", "\u2029", "\x85", "\ud800", "\udfff", "\ufeff",
    "e\u0301" * 3, "a" + "\u0301" * 50, "👩‍👩‍👧", "\U000e0041", "=?utf-8?q?x=0D=0AReply-To:_evil=40x?=", "Bcc: evil@x", "'\"><script>alert(1)</script>",
    "<img src=http://evil.example/x.png>", "</td></table>", "{{ 7*7 }}", "{% raw %}", "javascript:alert(1)", "|", "^", " ", "  ", "Smith & Sons",
    "quickbooks_9341450000000001", "temeritygoods.myshopify.com", "14:37:00", "ﷺ", "1,204", "-", "@channel", "@maya", "{time}",
]  # fmt: skip
LENGTHS = (0, 1, 23, 24, 25, 74, 75, 76, 149, 150, 151, 1999, 2000, 2001, 2999, 3000, 3001, 100_000)

outside = st.one_of(
    st.sampled_from(FRAGMENTS),
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join),
    st.text(max_size=60),
    st.builds(lambda piece, count: piece * count, st.sampled_from(FRAGMENTS), st.sampled_from([40, 300, 2999, 3001])),
)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
inlines = st.one_of(
    outside,
    outside.map(m.Strong),
    outside.map(m.Code),
    st.builds(m.When, instants, st.none() | instants, st.booleans()),
    st.builds(m.Person, outside, st.sampled_from([None, "T1", "T2"]), st.sampled_from([None, "U0MAYA", "<!x>", "U1>"])),
    st.builds(m.Link, st.sampled_from(["https://tidings.example/a", "https://tidings.example/b?x=1"]), outside),
)
running = st.lists(inlines, max_size=6).map(tuple)
actions = st.sampled_from(["refresh_confirm", "refresh_cancel"])
confirms = st.none() | st.builds(m.Confirm, outside, outside, outside, outside)
buttons = st.builds(
    m.Button,
    outside,
    actions,
    st.sampled_from(["", "ids", "i" * 2000]),
    st.sampled_from(list(m.ButtonStyle)),
    confirms,
    st.sampled_from([None, None, "https://tidings.example/go"]),
)
steps = st.builds(m.Step, outside, st.sampled_from(list(m.StepState)), running)


@st.composite
def tables(draw):
    width = draw(st.integers(0, 24))
    columns = tuple(draw(st.lists(outside, min_size=width, max_size=width)))
    rows = draw(st.lists(st.lists(running, min_size=0, max_size=width + 1).map(tuple), max_size=6))
    repeat = draw(st.sampled_from([1, 1, 20, 40]))
    return m.Table(
        draw(outside), columns, tuple(rows * repeat), frozenset(draw(st.sets(st.integers(0, 5)))), draw(st.booleans())
    )


amounts = st.none() | st.one_of(
    st.integers(-5, 9).map(Decimal),
    # A signalling NaN is refused by everything that touches it.
    st.decimals().filter(lambda value: not value.is_snan()),
    st.just(Decimal("1e400")),
)


@st.composite
def charts(draw):
    count = draw(st.sampled_from([0, 1, 2, 3, 20, 21, 40]))
    names = draw(st.lists(outside, min_size=1, max_size=3))
    points = draw(st.lists(amounts, min_size=1, max_size=3))
    some = [Series(name, tuple(points[(n + at) % len(points)] for at in range(count))) for n, name in enumerate(names)]
    series = tuple(some * draw(st.sampled_from([1, 1, 2, 5])))
    places = tuple(names[at % len(names)] + draw(st.sampled_from(["", str(at)])) for at in range(count))
    told = draw(st.booleans())
    kind = draw(st.sampled_from(list(ChartKind)))
    return Chart(draw(outside), kind, places, series, draw(outside), draw(outside), draw(outside), told)


parts = st.one_of(
    charts(),
    outside.map(m.Heading),
    running.map(m.Paragraph),
    running.map(m.Note),
    st.lists(st.tuples(outside, running), max_size=25).map(lambda rows: m.Facts(tuple(rows))),
    tables(),
    st.lists(steps, max_size=8).flatmap(
        lambda some: st.sampled_from([1, 1, 30]).map(lambda times: m.Steps(tuple(some * times), "1 of 30"))
    ),
    st.lists(buttons, max_size=30).map(lambda some: m.Buttons(tuple(some))),
    st.just(m.Rule()),
)
whole = st.builds(
    m.Message,
    outside,
    st.lists(parts, max_size=12).flatmap(
        lambda some: st.sampled_from([1, 1, 1, 8]).map(lambda times: tuple(some * times))
    ),
    st.none() | outside,
)
inputs = st.one_of(
    st.builds(m.TextInput, st.just("note"), outside, outside, outside, st.booleans()),
    st.builds(
        m.Choice,
        st.just("which"),
        outside,
        st.lists(outside, min_size=1, max_size=30).map(
            lambda texts: tuple((f"v{n}", text) for n, text in enumerate(texts))
        ),
        st.sampled_from([None, "v0", "unknown"]),
    ),
)
forms = st.builds(
    m.Form,
    st.just("confirm"),
    outside,
    outside,
    st.lists(parts, max_size=6).map(tuple),
    st.lists(inputs, max_size=2, unique_by=lambda entry: entry.name),
    st.sampled_from(["", "p" * 3000]),
    outside,
)
