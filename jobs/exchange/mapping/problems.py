"""What is wrong with a mapping when it is saved, or with a record when it is sent, in words for who adapts mappings."""


class NotAllowed(ValueError):  # noqa: N818 - what it is told
    """An expression that is none: where, and what may stand there."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"not allowed at col {column}: {reason}")
        self.column = column
        self.reason = reason


class MappingError(ValueError):
    """A profile or a layer that cannot be used; lists every problem with its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RecordProblem(Exception):  # noqa: N818 - the reason why a record is refused
    """A record has no value for a column; the text says why and what to write."""


class SkipRecord(Exception):  # noqa: N818 - a decision of the mapping
    """The mapping leaves the record out."""
