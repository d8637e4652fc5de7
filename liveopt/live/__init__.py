"""The asyncio shell around the pure core: the feed with its sockets, recordings, the clock."""
