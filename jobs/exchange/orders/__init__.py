"""Orders from PocketAdvantage into QuickBooks."""
