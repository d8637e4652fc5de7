"""Looking for good variants offline, with the same engine that steps them live."""
