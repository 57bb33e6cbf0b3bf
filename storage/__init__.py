"""Facts, tables, sessions, migrations, settings and the warehouse; imports nothing of ours."""
