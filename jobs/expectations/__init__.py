"""What should have happened by now, and what is done about it when it did not."""
