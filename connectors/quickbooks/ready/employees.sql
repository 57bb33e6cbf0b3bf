-- Employees, active or not. Birth dates and social security numbers are not among the columns.
SELECT
    d.id AS employee_id,
    d.display_name AS employee_name,
    d.given_name,
    d.family_name,
    d.number AS employee_number,
    d.active AS is_active,
    d.hired_date,
    d.released_date,
    d.billable_time AS is_billable,
    d.bill_rate,
    d.cost_rate,
    d.email,
    d.phone,
    d.created_at,
    d.updated_at
FROM raw_quickbooks_employees d
