"""Whatever happens at a provider and on the way there, after the next good run the warehouse has it, row by row."""
