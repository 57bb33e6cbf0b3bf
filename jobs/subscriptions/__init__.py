"""Who is told what, and how: the one place where that is decided."""
