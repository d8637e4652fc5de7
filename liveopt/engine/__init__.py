"""The batched engine: the stations of core, compiled for many variants at once."""
