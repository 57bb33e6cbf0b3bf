"""Plain log lines: the coloured tracebacks of the library's default take seconds."""

import pytest
import structlog


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()])
