"""Webhooks that Tidings sends to customers' own addresses, so that a model or a spreadsheet can import by itself."""
