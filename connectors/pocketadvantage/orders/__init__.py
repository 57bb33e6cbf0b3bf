"""Orders in the customer's own database: read from a view, answered into columns that the customer provides."""
