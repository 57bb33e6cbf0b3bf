"""Strings that would reach out of a language that is less small than ours, and mutations of them."""

from collections.abc import Iterator
from random import Random

_REACHING = """
__import__("os")
__import__("os").system("id")
().__class__.__bases__
().__class__.__bases__[0].__subclasses__()
"".__class__.__mro__[1].__subclasses__()
[].__class__
{}.__class__
Id.__class__
Id.__class__.__init__.__globals__
DisplayName.__len__
DisplayName.upper
DisplayName.upper()
DisplayName.format("x")
"{0.__class__}".format(Id)
"%s" % Id
f"{Id}"
lambda: 0
(lambda: 0)()
[x for x in (1,2,3)]
{x: 1 for x in Id}
(x for x in Id)
while true: pass
for x in Id
exec("1")
eval("1")
compile("1", "", "eval")
open("/etc/passwd")
open("/etc/passwd").read()
globals()
locals()
vars()
dir()
getattr(Id, "x")
setattr(Id, "x", 1)
type(Id)
type("X", (), {})
object
print(1)
print.__reduce__()
print.__self__
input("x")
breakpoint()
help()
exit()
quit()
os
os.environ
sys.modules
import os
from os import system
__builtins__
__builtins__["eval"]
__name__
__file__
__debug__
self
self.__dict__
row
row.record
record
record.Id
inputs
inputs["terms"]
line
line.Id
Row
numbers
upper
upper.__globals__
upper.__call__("a")
upper("a").lower()
upper("a")[0]
"a"[0]
"a"["__class__"]
Id[0]
Id["x"]
BillAddr["Line1"]
BillAddr.Line1.__class__
BillAddr.__class__
Line[0].Amount
CustomField[1].StringValue
custom_field("Sales Rep").__class__
custom_field(custom_field("x"))
custom_field(Id)
lookup(Id, "a")
lookup("__class__", "a")
lookup("nothing", "a")
line_value("SalesItemLineDetail", "__class__")
line_value("SalesItemLineDetail", "a.__class__")
line_value("SalesItemLineDetail", Id)
line_value(Id, "Amount")
9**9
9**9**9
2 ** 3
pow(9, 9)
"a" * 10
"a" * 1000000000
"a" * "b"
1 << 1000
1 >> 1
~1
1 // 2
7 % 2
1 @ 2
1 | 2
1 ^ 2
1 & & 2
a := 1
(a := 1)
a = b = c
Id == "1"
Id is blank
Id <> "1"
!Id
Id && Id
Id || Id
Id ? 1 : 2
1 if true else 2
if true then 1
if true then 1 else
if then else
then
else
and
or
not
not not not
not
()
(
)
((
(1
1)
,
1,
,1
upper(
upper()
upper("a"
upper("a",)
upper("a",,)
upper("a","b")
upper(upper)
upper("a")("b")
("upper")("a")
(upper)("a")
1(2)
true()
blank()
true = 1
if(1)(2)(3)
'a'
`id`
$Id
${Id}
#{Id}
{{ Id }}
{% for x in y %}
{{ ''.__class__ }}
{{ config }}
{{ request|attr("application") }}
Id|attr("__class__")
Id|safe
<%= 7*7 %>
#set($x=1)
Id; Id
Id\\nId
Id#comment
Id -- comment
Id /* x */
Id // x
"unfinished
"a""
"\\x00
"a
b"
\\u0041
\\x41
0x10
1e400
1e3
1_000
01
1.
.5
1.2.3
..
Id.
.Id
Id..Id
Id . Id
Id.1
1.Id
_Id
Id._x
Id.__x__
Ｉd
Iｄ
１２３
١٢٣
“Id”
Id\u200b
\u202eId
\ufeffId
\u00a0Id
\x00Id
Id\x00
\x1b[31m
nan
NaN
Infinity
inf
None
True
False
null
undefined
now()
today()
date.today()
random()
env("PATH")
file("/etc/passwd")
read_csv("/etc/passwd")
sql("SELECT 1")
SELECT * FROM x
'; DROP TABLE x; --
=1+2
=HYPERLINK("http://x")
@SUM(A1)
{=cmd|'/c calc'!A0}
../../etc/passwd
date("2026-11-23", "%Y-%m-%d")
date("2026-11-23", "YYYY-MM")
date("2026-11-23", "YYYYYYYY")
format_date(TxnDate, "{0.__class__}")
format_date(TxnDate, "%c")
pad_left(Id, 1000000000, "0")
pad_left(Id, 10, "00")
pad_left(Id, 0 - 1, "0")
pad_left(Id, 1.5, "0")
left(Id, 0 - 1)
left(Id, 99999999999999999999)
right(Id, DisplayName)
round(1, 1000000)
round(1, 0.5)
round(1, 2, "__class__")
replace("aaaa", "", "b")
replace(Id, Id, Id)
reject(Id)
skip_row(Id)
skip_row()
"""
REACHING = [*_REACHING.strip("\n").split("\n"), "a" * 3000, "(" * 400 + "1" + ")" * 400, "-" * 300 + "1", "not " * 400 + "true",
            "1" + "+1" * 990, "1" * 1000, '"' + "x" * 1990 + '"' + "&" * 10, "if true then " * 100 + "1", "\ud800", "\U0001f600",
            "upper(" * 200 + '"a"' + ")" * 200, " " * 2100, "", "\n", "\t1", '"' * 1999]  # fmt: skip
#: what is allowed, to be mutated as well
ALLOWED = [
    'upper(DisplayName) & " " & left(Id, 2)', "round(Balance / 3 * 7, 2)", 'if Active and Balance > 0 then "Y" else "N"',
    'lookup("regions", BillAddr.CountrySubDivisionCode, "East")', 'or_else(CompanyName, GivenName, blank, "x")',
    'join(", ", BillAddr.City, BillAddr.Line1, "CA")', 'format_date(date("2026-11-23", "YYYY-MM-DD"), "MM/DD/YY")',
    'replace(DisplayName, "a", "bb")', 'number("12.5") - 3 * (2 + Balance)', 'custom_field("Sales Rep")', 'line_total("A") + 1',
    "not Active or Balance = blank", 'linked("Estimate") != blank', "voided", "-Balance + -1.50",
]  # fmt: skip
_PIECES = [*'()+-*/&=<>.,"_ \n[]{}\\\'', "__", ".__class__", "**", "if ", " then ", " else ", " and ", "not ", "9", "Id", "upper(", "blank",
           '""', "\x00", "é", "１", "\u2028", "round(", "line.", "<=", "!="]  # fmt: skip


def mutations(count: int, seed: int = 1) -> Iterator[str]:
    """Yield strings with some pieces put in, taken out, doubled or from another one."""
    draw, sources = Random(seed), [*[one for one in REACHING if len(one) < 200], *ALLOWED * 30]
    for _ in range(count):
        text = draw.choice(sources)
        for _ in range(draw.randrange(1, 4)):
            place, wide = draw.randrange(len(text) + 1), draw.randrange(1, 6)
            what = draw.randrange(4)
            if what == 0:
                text = text[:place] + draw.choice(_PIECES) + text[place:]
            elif what == 1:
                text = text[:place] + text[place + wide :]
            elif what == 2:
                text = text[:place] + text[place : place + wide] * 2 + text[place + wide :]
            else:
                text = text[:place] + draw.choice(sources)[:20] + text[place:]
        yield text
