"""What providers tell us of by themselves: kept first, acted on by a worker; events that never come change nothing."""
