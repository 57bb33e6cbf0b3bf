"""Plain facts that every layer may speak of: frozen dataclasses and enums, no database and no network."""
