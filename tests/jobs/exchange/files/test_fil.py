"""The rules of .FIL files: what is written is read back, the same rows are the same bytes, what is none is told."""

import hashlib
import io
import os
from pathlib import Path
from random import Random
from tempfile import TemporaryFile
from typing import Any

import pytest

from jobs.exchange.fil import Column, FilError, FilRules, FilWriter, Longer, RowRefused, Written, read_fil
from jobs.exchange.mapping import load_profile
from tests.jobs.exchange.files.ground import ENTITIES, company, file_of

GOLDEN = Path(__file__).with_name("golden")
COLUMNS = (Column("NO"), Column("NAME", 8, Longer.CUT), Column("CODE", 3))


class Quotes(FilWriter):
    """Puts quotes around what looks as if it needed them."""

    def record(self, rows):
        super().record([[f'"{value}"' if set(value) & set('",=') else value for value in row] for row in rows])


class Unsorted(FilWriter):
    """Writes rows as they come."""

    def _sorted(self):
        return iter(self._rows)


class Questions(FilWriter):
    """Puts a question mark for what the encoding has not."""

    def record(self, rows):
        encoding = self._rules.encoding
        super().record([[value.encode(encoding, "replace").decode(encoding) for value in row] for row in rows])


class Raw(FilWriter):
    """Lets a tab inside a value be a tab."""

    def _cleaned(self, values):
        return values, 0


def written(rows, rules=None, writer=FilWriter, columns=COLUMNS, **more: Any) -> tuple[bytes, Written]:
    out = io.BytesIO()
    made = writer(out, rules or FilRules(), columns, [columns[0].name], **more)
    for row in rows:
        made.row(row)
    done = made.close()
    return out.getvalue(), done


@pytest.mark.parametrize("pair", ENTITIES)
def test_the_files_of_the_company_are_these_bytes(pair: str) -> None:
    made, done = file_of(load_profile().pair(pair), company()[ENTITIES[pair]])
    golden = GOLDEN / f"{pair}.fil"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_bytes(made)
    assert made == golden.read_bytes()
    assert (done.size, done.sha256) == (len(made), hashlib.sha256(made).hexdigest())
    columns, rows = read_fil(made, FilRules(), [column.name for column in load_profile().pair(pair).fil_columns])
    assert len(rows) == done.rows > 1
    assert len(columns) == len(rows[0])


def same_in_any_order(writer: type[FilWriter]) -> bool:
    pair, records = load_profile().pair("customers"), company()["Customer"]
    shuffled = Random(3).sample(records, len(records))
    return file_of(pair, records, writer=writer)[0] == file_of(pair, shuffled, writer=writer)[0]


@pytest.mark.parametrize("writer, same", [(FilWriter, True), (Unsorted, False)])
def test_the_same_records_are_the_same_bytes(writer, same) -> None:
    assert same_in_any_order(writer) is same


def test_rows_that_are_put_aside_come_back_in_order() -> None:
    rows = [[str(n * 7919 % 1009), "x" * (n % 9), "a"] for n in range(1009)]
    spools = []

    def spool():
        spools.append(TemporaryFile())  # noqa: SIM115 - the writer closes it
        return spools[-1]

    small, at_once = written(rows, held=2000, spool=spool), written(rows)
    assert small == at_once
    assert len(spools) > 5
    assert all(each.closed for each in spools)
    assert [row[0] for row in read_fil(small[0], FilRules())[1]] == [str(n) for n in range(1009)]


def test_keys_that_are_numbers_stand_in_their_order_and_text_after_them() -> None:
    made, _ = written([[key, "", ""] for key in ("b", "10", "9", "007", "A", "0", "é")])
    assert [row[0] for row in read_fil(made, FilRules())[1]] == ["0", "9", "10", "007", "A", "b", "é"]


NASTY = [
    ("a\tb", "a b"), ("a\r\nb", "a b"), ("a\nb\n", "a b "), ("a\u2028b\u2029c", "a b c"), ("a\x85b", "a b"), ("a\x0b\x0cb", "a b"),
    ("\x00a\x1ab", " a b"), ("\ufeffa", " a"), ('say "hi"', 'say "hi"'), ("=1+2", "=1+2"), ("-12.50", "-12.50"), ("@SUM(A1)", "@SUM(A1)"),
    ("+49 30", "+49 30"), ("a,b;c|d", "a,b;c|d"), ("  ", "  "), ("'", "'"), ("\xa0", "\xa0"), ("Zoë", "Zoë"), ("€", "€"), ("\\t", "\\t"),
]  # fmt: skip


def kept(writer: type[FilWriter], encoding: str = "utf-8") -> bool:
    rules, columns = FilRules(encoding=encoding), (Column("NO"), Column("VALUE"))  # type: ignore[arg-type]
    try:
        made, done = written([[str(n), value] for n, (value, _) in enumerate(NASTY)], rules, writer, columns)
        read = [row[1] for row in read_fil(made, rules)[1]]
    except (FilError, RowRefused):
        return False
    return read == [after for _, after in NASTY] and done.replaced == 11


@pytest.mark.parametrize("writer, keeps", [(FilWriter, True), (Quotes, False), (Raw, False)])
def test_nasty_values_come_back_as_the_rules_say(writer, keeps) -> None:
    assert kept(writer) is keeps
    assert kept(writer, "cp1252") is keeps


def refuses(writer: type[FilWriter]) -> str:
    try:
        written([["1", "5 ≤ 6", ""]], FilRules("cp1252"), writer)
    except RowRefused as refused:
        return str(refused)
    return ""


def test_what_the_encoding_has_not_is_named_and_never_replaced() -> None:
    assert refuses(FilWriter) == "NAME: holds ≤ (U+2264) as character 3, which the file's encoding cp1252 has not"
    assert refuses(Questions) == ""
    with pytest.raises(RowRefused, match=r"NAME: holds U\+D800 as character 1"):
        written([["1", "\ud800", ""]])


def test_a_record_is_in_the_file_with_all_its_rows_or_none() -> None:
    out = io.BytesIO()
    writer = FilWriter(out, FilRules("cp1252"), COLUMNS, ["NO"])
    with pytest.raises(RowRefused):
        writer.record([["1", "a", ""], ["2", "≤", ""]])
    with pytest.raises(RowRefused, match="NO: another row has the key 3"):
        writer.record([["3", "a\tb", ""], ["3", "b", ""]])
    writer.row(["1", "b", ""])
    with pytest.raises(RowRefused, match="another row has the key 1"):
        writer.row(["1", "c", ""])
    assert writer.close() == Written(1, 20, hashlib.sha256(out.getvalue()).hexdigest())
    assert out.getvalue() == b"NO\tNAME\tCODE\r\n1\tb\t\r\n"


def test_what_is_longer_than_its_column_is_cut_and_counted_or_refused() -> None:
    made, done = written([["1", "abcdefg hij", "xyz"], ["2", "abcdefghij", ""]])
    assert read_fil(made, FilRules())[1] == [("1", "abcdefg", "xyz"), ("2", "abcdefgh", "")]
    assert done.cut == {"NAME": 2}
    with pytest.raises(RowRefused, match="CODE: has 4 characters, and 3 are the most"):
        written([["1", "", "wxyz"]])
    with pytest.raises(RowRefused, match="NO: has 2 characters"):
        written([["12"]], columns=(Column("NO", 1, Longer.CUT),))


def test_a_file_without_header_and_names_of_files() -> None:
    rules = FilRules(header=False, upper_extension=True)
    made, _ = written([["1", "a", ""]], rules)
    assert made == b"1\ta\t\r\n"
    assert read_fil(made, rules, ["NO", "NAME", "CODE"]) == (("NO", "NAME", "CODE"), [("1", "a", "")])
    assert (rules.file_name("customer"), FilRules().file_name("customer")) == ("customer.FIL", "customer.fil")
    for wrong in ("../customer", "Customer", "", "a/b", "a\n"):
        with pytest.raises(ValueError, match="not the name of a file"):
            rules.file_name(wrong)
    with pytest.raises(ValueError, match="needs to be told"):
        read_fil(made, rules)
    with pytest.raises(ValueError, match="not an encoding"):
        FilRules("utf-16")  # type: ignore[arg-type]


HEAD = b"NO\tNAME\r\n"
HOSTILE = [
    (b"", "line 1: the file is empty"),
    (b"\xef\xbb\xbf" + HEAD, "line 1, column 1: the file begins with a byte order mark"),
    (HEAD + b"1\ta\r\n2\r\n", "line 3, column 2: 1 values, and there are 2 columns"),
    (HEAD + b"1\ta\tb\r\n", "line 2, column 3: 3 values"),
    (HEAD + b"1\tZo\xeb\r\n", "line 2, column 2: the byte 0xeb is no utf-8"),
    (HEAD + b"1\ta\r\n\x1a", "line 3, column 1: holds Ctrl-Z"),
    (HEAD + b"1\ta\x1a\r\n", "line 2, column 2: holds Ctrl-Z"),
    (HEAD + b"1\ta", "line 2: the last line does not end"),
    (HEAD + b"1\ta\n2\tb\r\n", "line 2, column 2: holds an LF without CR"),
    (HEAD + b"1\ta\rb\r\n", "line 2, column 2: holds a CR without LF"),
    (HEAD + b"1\ta\r", "line 2, column 2: holds a CR without LF"),
    (HEAD + b"\x00\ta\r\n", "line 2, column 1: holds the control character U\\+0000"),
    (HEAD + "1\ta\u2028\r\n".encode(), "line 2, column 2: holds the control character U\\+2028"),
    (b"NO\tNO\r\n", "line 1, column 2: a second column NO"),
    (b"no\tNAME\r\n", "line 1, column 1: not the name of a column: 'no'"),
    (HEAD + b"\r\n", "line 2, column 2: 1 values"),
]  # fmt: skip


@pytest.mark.parametrize("data, said", HOSTILE)
def test_a_file_that_is_none_is_told_with_line_and_column(data, said) -> None:
    with pytest.raises(FilError, match=f"^{said}"):
        read_fil(data, FilRules())


def test_another_header_than_expected_and_too_much() -> None:
    with pytest.raises(FilError, match="line 1, column 2: the header has NAME where CODE should be"):
        read_fil(HEAD, FilRules(), ["NO", "CODE"])
    with pytest.raises(FilError, match="line 1, column 3: the header has nothing where CODE should be"):
        read_fil(HEAD, FilRules(), ["NO", "NAME", "CODE"])
    with pytest.raises(FilError, match="the file has 9 bytes, and 5 are the most"):
        read_fil(HEAD, FilRules(), largest=5)
