"""Studies: searches for good parameters, stored, resumable, judged out of sample."""
