"""Search: algorithms that ask for candidates and are told how good they are, over spaces."""
