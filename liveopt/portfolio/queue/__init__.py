"""Jobs in a folder that desks share: each a process, none ever lost."""
