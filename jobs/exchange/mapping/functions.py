"""The functions of the language, each with what the reference says of it and an example that a test asks."""

from collections.abc import Callable
from dataclasses import dataclass

from jobs.exchange.mapping import calls
from jobs.exchange.mapping.calls import Making
from jobs.exchange.mapping.nodes import Call
from jobs.exchange.mapping.rows import Ask


@dataclass(frozen=True, slots=True)
class Function:
    """One function, as the compiler makes it and as the reference tells it."""

    takes: str
    says: str
    #: an expression over SAMPLE (docs), and what it comes to
    example: str
    gives: str
    least: int
    most: int
    make: Callable[[Making, Call], Ask]


FUNCTIONS: dict[str, Function] = {
    "upper": Function("text", "the text in capitals", 'upper("net 30")', "NET 30", 1, 1, calls.make_of_text(str.upper)),
    "lower": Function("text", "the text in small letters", 'lower("NET")', "net", 1, 1, calls.make_of_text(str.lower)),
    "trim": Function(
        "text",
        "the text without spaces around it, and one space where several are",
        'trim("  a   b ")',
        "a b",
        1,
        1,
        calls.make_of_text(lambda text: " ".join(text.split())),
    ),
    "digits": Function(
        "text",
        "the digits 0 to 9 of a text",
        "digits(PrimaryPhone.FreeFormNumber)",
        "55501001234",
        1,
        1,
        calls.make_of_text(lambda text: "".join(c for c in text if c in "0123456789")),
    ),
    "left": Function("text, count", "the first characters", "left(DisplayName, 5)", "Amber", 2, 2, calls.make_left),
    "right": Function("text, count", "the last characters", 'right("12-3456789", 4)', "6789", 2, 2, calls.make_right),
    "replace": Function(
        "text, old, new",
        "the text with one part in place of another",
        'replace("a-b-c", "-", "/")',
        "a/b/c",
        3,
        3,
        calls.make_replace,
    ),
    "join": Function(
        "between, values ...",
        "the values that are not blank, with a text between them",
        'join(", ", BillAddr.City, BillAddr.Line2, "CA")',
        "Bayshore, CA",
        2,
        20,
        calls.make_join,
    ),
    "pad_left": Function(
        "text, width, character",
        "the text, filled up from the left",
        'pad_left(Id, 6, "0")',
        "000012",
        3,
        3,
        calls.make_pad_left,
    ),
    "contains": Function(
        "text, part", "whether a part is in a text", 'contains(DisplayName, "Bicycles")', "Y", 2, 2, calls.make_contains
    ),
    "starts_with": Function(
        "text, part",
        "whether a text begins with a part",
        'starts_with(DisplayName, "Ltd")',
        "N",
        2,
        2,
        calls.make_starts_with,
    ),
    "number": Function("text", "the number that a text is", 'number("12.50") * 2', "25", 1, 1, calls.make_number),
    "round": Function(
        "number, places, how",
        'the number with so many places; how is "up" (half a cent counts as one, unless said '
        'otherwise), "even" or "down"',
        "round(Balance / 3, 2)",
        "79.67",
        2,
        3,
        calls.make_round,
    ),
    "format_number": Function(
        "number, places",
        "the number as text with all its places",
        'format_number(Balance, 2) & " USD"',
        "239.00 USD",
        2,
        2,
        calls.make_format_number,
    ),
    "date": Function(
        "text, format", "the day that a text is", 'date("23.11.2026", "DD.MM.YYYY")', "20261123", 2, 2, calls.make_date
    ),
    "format_date": Function(
        "day, format",
        "a day as text",
        'format_date(date("2026-11-23", "YYYY-MM-DD"), "MM/DD/YY")',
        "11/23/26",
        2,
        2,
        calls.make_format_date,
    ),
    "or_else": Function(
        "values ...",
        "the first value that is not blank",
        'or_else(CompanyName, "none")',
        "none",
        2,
        20,
        calls.make_or_else,
    ),
    "lookup": Function(
        "table, key, otherwise",
        "what a table has for a key; without a third value, a key that is not there refuses the record",
        'lookup("regions", BillAddr.CountrySubDivisionCode, "East")',
        "West",
        2,
        3,
        calls.make_lookup,
    ),
    "custom_field": Function(
        "name",
        "what a custom field of the record says",
        'custom_field("Sales Rep")',
        "Marisol Vega",
        1,
        1,
        calls.make_custom_field,
    ),
    "line_total": Function(
        "kind of line",
        "what the amounts of all lines of a kind add up to; 0 without any",
        'line_total("DiscountLineDetail")',
        "10",
        1,
        1,
        calls.make_line_total,
    ),
    "line_value": Function(
        "kind of line, field",
        "a field of the first line of a kind",
        'line_value("DiscountLineDetail", "DiscountLineDetail.DiscountPercent")',
        "5",
        2,
        2,
        calls.make_line_value,
    ),
    "linked": Function(
        "kind of transaction",
        "the id of the first transaction of a kind that the record is linked to",
        'linked("Estimate")',
        "198",
        1,
        1,
        calls.make_linked,
    ),
    "line_number": Function(
        "",
        "the number of the row among those of its record, from 1",
        "line_number()",
        "1",
        0,
        0,
        calls.make_line_number,
    ),
    "deleted": Function("", "whether the record was deleted at its source", "deleted()", "N", 0, 0, calls.make_deleted),
    "skip_row": Function(
        "reason",
        "leaves the record out, and counts it with the reason",
        'if Active then Id else skip_row("not active")',
        "12",
        1,
        1,
        calls.make_skip_row,
    ),
    "reject": Function(
        "reason",
        "refuses the record, and reports it with the reason",
        'if Balance >= 0 then Balance else reject("is below zero")',
        "239",
        1,
        1,
        calls.make_reject,
    ),
}
