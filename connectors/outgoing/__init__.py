"""Requests that Tidings sends to addresses which customers enter: judged, pinned, signed."""
