"""Market data from files, or made from a seed, at the door of the program: checked once, here."""
