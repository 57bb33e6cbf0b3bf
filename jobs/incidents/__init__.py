"""What is wrong with sources: noticed, said once, reminded of, and edited to its end."""
