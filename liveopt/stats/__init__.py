"""Arrays in, numbers out, no word of trading: what a sample shows and how sure it is."""
