-- One row per currency and day that QuickBooks had a rate of, in companies that keep books in several currencies: so much
-- of the target (home) currency is one of the source. Once a day the newest rate of each currency is read, so the history
-- begins with the first read; days between two rates have the earlier one. Transactions tell their own rate.
SELECT
    r.id AS exchange_rate_id,
    r.source_currency,
    r.target_currency,
    r.as_of AS as_of_date,
    r.rate,
    r.updated_at
FROM raw_quickbooks_exchange_rates r
