-- QuickBooks' balances grow with the account's own side: those of liabilities, equity and income are turned around.
SELECT
    b._source AS source,
    b.account_id,
    b.account_name,
    b.period_start,
    b.period_end,
    b.currency,
    b.opening_balance * s.side AS opening_balance,
    b.movement * s.side AS movement,
    b.closing_balance * s.side AS closing_balance
FROM ready_quickbooks_account_balances b
LEFT JOIN (
    SELECT
        _source, account_id,
        CASE
            WHEN classification IN ('Asset', 'Expense') THEN 1
            WHEN classification IN ('Liability', 'Equity', 'Revenue') THEN -1
        END AS side
    FROM ready_quickbooks_accounts
) s ON s._source = b._source AND s.account_id = b.account_id
