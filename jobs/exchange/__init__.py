"""The exchange of files and orders with PocketAdvantage."""
