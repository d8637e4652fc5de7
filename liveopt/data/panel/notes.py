"""What was assumed and mended when a panel was read, in words for people."""

from typing import Final

from liveopt.data.panel.about import About, Source

SKIPPED_SHOWN: Final = 10


def notes(about: About) -> list[str]:
    """A sentence each."""
    found = [said for source in about.sources for said in _of(source)]
    if about.absent:
        found.append(
            f"{about.absent:,} cells are of sessions that a file does not have: 0 stands there"
        )
    if about.differing:
        found.append(
            f"{about.differing:,} cells of the sessions differ between the files:"
            " those of the first file stand"
        )
    return found


def _of(source: Source) -> list[str]:
    said = {
        f"dates: {source.dates}": True,
        f"confidence: {source.confidence}": source.confidence,
        f"transition threshold: {source.transition}": source.transition,
        "rows were not in order of time: sorted by date, then start": not source.in_order,
        f"{source.missing:,} empty cells count as 0": source.missing,
        f"{source.bad:,} cells that are no number count as 0": source.bad,
        f"{source.repeated:,} rows have the date, zone and times of another: each counts as a"
        " session of its own": source.repeated,
        f"{source.blank:,} cells of the sessions' own columns are empty": source.blank,
    }
    told = "; ".join(words for words, is_so in said.items() if is_so)
    found = [f"{source.name}: {source.strategies:,} strategies in {source.rows:,} rows; {told}"]
    shown = list(source.skipped.items())[:SKIPPED_SHOWN]
    found += [f"{source.name}: not a strategy: {name!r} ({why})" for name, why in shown]
    if len(source.skipped) > len(shown):
        found.append(f"{source.name}: and {len(source.skipped) - len(shown):,} more columns")
    return found
