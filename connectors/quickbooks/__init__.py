"""QuickBooks Online: name lists, transactions with lines, and two reports, by query over the accounting API."""
