"""Strategies of users in plain Python, stepped in a process of their own, never in the engine's."""
