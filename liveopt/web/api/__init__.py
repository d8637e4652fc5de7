"""The handlers, a module a subject; the table in `web.routes` says which path leads to which."""
