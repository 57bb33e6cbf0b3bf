"""The parts of the story of trust, each a module: what is claimed can be proved, and no silence lasts."""
