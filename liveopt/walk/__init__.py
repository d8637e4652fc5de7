"""The whole system as a fold: a state and one event in, what happened out. No clock, no luck."""
