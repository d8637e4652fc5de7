"""What dead workers left: their claims are ended and their jobs put back, or given up."""

import math
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from liveopt.portfolio.queue import claims, files
from liveopt.portfolio.queue.books import Books
from liveopt.portfolio.queue.claims import ENDING, Watch
from liveopt.portfolio.queue.held import OUT, Held, attempts_of, has_ended, key_of, token_of
from liveopt.portfolio.queue.inputs import Refused
from liveopt.portfolio.queue.looks import Looks
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.processes import Owner
from liveopt.portfolio.queue.settings import Settings

MEND = "look at what it needs (memory?), mend that, and drop it again"

log = structlog.get_logger()


@dataclass(slots=True)
class Recovery:
    """Looks for the dead from time to time; any number of workers may do so at once."""

    places: Places
    owner: Owner
    settings: Settings
    books: Books
    waits: dict[str, str] = field(default_factory=dict)
    """Files that cannot be cleared away, and why."""
    _watch: Watch = field(init=False)
    _looks: Looks = field(init=False)
    _litter: Looks = field(init=False)
    _swept_s: float = -math.inf

    def __post_init__(self) -> None:
        """What it has seen is its own."""
        self._watch = Watch(self.settings.stale_s, self.owner)
        self._looks, self._litter = Looks(0.0, 0.0), Looks(0.0, 0.0)

    def look(self, now_s: float) -> None:
        """Once over all claims and all jobs in `processing`."""
        self.waits.clear()
        self._bury(self.places.status, now_s)
        keys, tokens = self._bury(self.places.processing, now_s)
        living = self._living()
        folder = self.places.processing
        jobs = files.names(folder, ".json")
        self._looks.forget({folder / name for name in jobs})
        for name in jobs:
            with files.noting(self.waits, f"{folder.name}/{name}"):
                path, key = folder / name, key_of(name)
                token = token_of(path)
                if claims.exists(folder, key) or token in living:
                    continue
                look = self._looks.look(path, now_s)
                freed = key in keys or token in tokens
                if freed or (look is not None and look.age_s >= self.settings.stale_s):
                    self._take_up(name, token)
        self._sweep(now_s)

    def _bury(self, folder: Path, now_s: float) -> tuple[set[str], set[str]]:
        """Keys and tokens of claims that were the dead's until now."""
        keys, tokens = set(), set()
        found = {name[: -len(ENDING)] for name in files.names(folder, ENDING)}
        self._watch.forget(folder, found)
        for key in sorted(found):
            with files.noting(self.waits, f"{folder.name}/{key}{ENDING}"):
                dead = self._watch.dead(folder, key, now_s)
                token = None if dead is None else self._watch.bury(folder, key, dead)
                if token is not None:
                    log.warning("a worker is gone: its claim is ended", key=files.shown(key))
                    keys.add(key)
                    tokens |= {token} - {""}
        return keys, tokens

    def _living(self) -> set[str]:
        folder = self.places.processing
        found = [claims.at(folder, n[: -len(ENDING)]) for n in files.names(folder, ENDING)]
        return {claim.token for claim in found if claim is not None}

    def _take_up(self, name: str, token: str) -> None:
        """A job that nobody works on any more; under a claim, as everything."""
        key = key_of(name)
        claim = claims.take(self.places.processing, key, self.owner)
        if claim is None:
            return
        held = Held(self.places, key, claim)
        path = self.places.processing / name
        try:
            if path != held.path and not held.path.exists():  # a client gave it another name
                path.rename(held.path)
            self._settle(held, token)
        except OSError:
            claims.release(self.places.processing, key, claim)
            raise

    def _settle(self, held: Held, token: str) -> None:
        try:
            held.read()
        except Refused as error:
            self._fail(held, str(error))
            return
        except FileNotFoundError:
            claims.release(self.places.processing, held.key, held.claim)
            return
        attempts = attempts_of(held.document)
        if has_ended(self.places, held.key, token):
            files.remove(held.path)
            claims.release(self.places.processing, held.key, held.claim)
        elif attempts >= self.settings.attempts_max:
            held.find_out()
            self._fail(held, f"its worker ended {attempts} times while it ran: {MEND}")
        else:
            held.find_out()
            held.put_back(counted=True)
            self.books.note(held.job_id, "queued", why="its worker ended", attempts=attempts)
            log.warning("a job is put back", job=held.job_id, attempts=attempts)

    def _fail(self, held: Held, why: str) -> None:
        added = {"status": "failed", "error": why, "completion_timestamp": self.books.stamp()}
        held.set_aside()
        if held.out is not None:
            added[OUT] = self.places.told(held.out)
        held.end(self.places.failed, added)
        self.books.note(held.job_id, "failed", error=why)
        log.warning("a job is given up", job=held.job_id, why=why)

    def _sweep(self, now_s: float) -> None:
        """Progress of jobs that nobody works on; from time to time what killed writers left."""
        folder = self.places.processing
        for name in files.names(folder, ".progress"):
            with files.noting(self.waits, f"{folder.name}/{name}"):
                if not claims.exists(folder, name[: -len(".progress")]):
                    files.remove(folder / name)
        if now_s - self._swept_s < self.settings.stale_s:
            return
        self._swept_s = now_s
        places = self.places
        folders = (places.queue, folder, places.completed, places.failed, places.status)
        litter = {p for one in folders for p in one.iterdir() if files.LITTER.match(p.name)}
        self._litter.forget(litter)
        for path in litter:
            with files.noting(self.waits, f"{path.parent.name}/{path.name}"):
                look = self._litter.look(path, now_s)
                if look is not None and look.age_s >= self.settings.stale_s:
                    files.remove(path)
