"""Daily profit and loss of many strategies: read from wide CSV, kept as Parquet."""
