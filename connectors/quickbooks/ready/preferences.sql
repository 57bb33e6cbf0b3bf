-- How the company keeps its books: one row. Read once a day.
SELECT
    d.id AS preferences_id,
    d.multi_currency AS is_multi_currency,
    d.home_currency,
    d.report_basis,
    d.book_close_date,
    d.first_month_of_fiscal_year,
    d.first_month_of_tax_year,
    d.account_numbers AS uses_account_numbers,
    d.departments AS uses_departments,
    d.department_term,
    d.customer_term,
    d.classes_per_transaction AS uses_classes_per_transaction,
    d.classes_per_line AS uses_classes_per_line,
    d.sales_tax AS uses_sales_tax,
    d.time_tracking AS uses_time_tracking,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_preferences d
