"""What is said about a kind of file, so that nothing about it has to be guessed."""

from typing import Literal, Protocol

Encoding = Literal["utf-8", "cp1252", "iso-8859-1", "utf-16"]
Delimiter = Literal[",", ";", "\t", "|"]
Decimal = Literal[".", ","]
Thousands = Literal["", ",", ".", " ", "'"]
Dates = Literal["MM/DD/YYYY", "DD/MM/YYYY", "DD.MM.YYYY", "YYYY-MM-DD", "D-Mon-YYYY"]


class Form(Protocol):
    """How the text of a file is to be taken apart."""

    @property
    def encoding(self) -> Encoding:
        """What its bytes are."""
        ...

    @property
    def delimiter(self) -> Delimiter:
        """What stands between two cells."""
        ...

    @property
    def skip(self) -> int:
        """Lines above the header."""
        ...

    @property
    def ends_at(self) -> str:
        """First cell of the line that ends the rows; empty where none does."""
        ...
