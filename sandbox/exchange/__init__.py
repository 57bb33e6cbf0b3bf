"""Stand-ins for the parties of the PocketAdvantage exchange: file servers, the order database, QuickBooks Desktop."""
