"""Whether a variant is better than the champion, asked all the time and of all of them at once."""
