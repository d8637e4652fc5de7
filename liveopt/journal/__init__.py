"""Journals that cannot lie: lines of bytes, chained, synced in batches; nothing of trading here.

Reading order: `codec` (one line), `places` (where a journal ends), `appender` (one journal's open
end), `writer` (all journals of a run, one thread), `reader` and `recovery`, `snapshots`, `folder`.
"""
