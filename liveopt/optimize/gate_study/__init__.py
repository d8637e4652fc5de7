"""What the promotion gate is worth, measured in worlds where it is known who has an edge."""
