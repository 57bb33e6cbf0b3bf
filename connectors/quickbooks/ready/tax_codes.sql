-- Sales tax codes, with how many rates make each. Read once a day.
SELECT
    d.id AS tax_code_id,
    d.name AS tax_code_name,
    d.description,
    d.taxable AS is_taxable,
    d.tax_group AS is_group,
    d.active AS is_active,
    COUNT(s.tax_rate_id) AS sales_rates,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_tax_codes d
LEFT JOIN raw_quickbooks_tax_code_sales_rates s ON s.parent_id = d.id
GROUP BY ALL
