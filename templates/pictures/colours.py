"""Colours of pictures: told apart by people who see few of them, readable on white and on dark paper.

The series are those of Okabe and Ito, with our blue first; markers differ as well.
"""

PAPER = "#ffffff"
INK = "#1b2430"
SOFT = "#5b6675"
GRID = "#dde2ea"
SERIES = ("#0b5cad", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

#: light -> dark, for readers whose program shows everything dark
_DARKER = {
    PAPER: "#1e232b",
    INK: "#e9ecf1",
    SOFT: "#a9b2c0",
    GRID: "#343b46",
    SERIES[0]: "#7db8ff",
    SERIES[2]: "#2fc79a",
}


def _dark() -> str:
    rules = "".join(
        f'[style*="{what}: {light}"]{{{what}:{dark} !important}}'
        for light, dark in _DARKER.items()
        for what in ("fill", "stroke")
    )
    return f"@media (prefers-color-scheme: dark){{{rules}}}"


DARK = _dark()
