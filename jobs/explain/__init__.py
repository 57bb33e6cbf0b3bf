"""Why a source's data is as old as it is, and whether a change is in it: answers computed from evidence alone."""
