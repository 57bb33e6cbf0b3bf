-- What each account stood at when each quarter of this year and the last began, and what its postings in the quarter add up to
-- (signs as in the ledger's lines). Read once a day.
SELECT
    r.account_id,
    r.account_name,
    r.period_start,
    r.period_end,
    TRY_CAST(COALESCE(MAX(r.balance) FILTER (WHERE r.row_kind = 'beginning'), 0) AS DECIMAL(18, 2)) AS opening_balance,
    TRY_CAST(COALESCE(SUM(r.amount) FILTER (WHERE r.row_kind = 'data'), 0) AS DECIMAL(18, 2)) AS movement,
    TRY_CAST(
        COALESCE(MAX(r.balance) FILTER (WHERE r.row_kind = 'beginning'), 0)
        + COALESCE(SUM(r.amount) FILTER (WHERE r.row_kind = 'data'), 0)
        AS DECIMAL(18, 2)
    ) AS closing_balance,
    r.basis,
    r.currency
FROM raw_quickbooks_general_ledger r
WHERE r.row_kind IN ('beginning', 'data')
GROUP BY r.account_id, r.account_name, r.period_start, r.period_end, r.basis, r.currency
