"""The dashboard and the API: a process of its own beside the engine."""
