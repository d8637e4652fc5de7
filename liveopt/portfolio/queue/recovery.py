"""What dead workers left: their claims are ended and their jobs put back, or given up."""

from dataclasses import dataclass, field
from pathlib import Path

import structlog

from liveopt.portfolio.queue import claims, files
from liveopt.portfolio.queue.books import Books
from liveopt.portfolio.queue.claims import ENDING, Watch
from liveopt.portfolio.queue.held import Held, attempts_of, has_ended, key_of, token_of
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
    _watch: Watch = field(init=False)
    _looks: Looks = field(init=False)

    def __post_init__(self) -> None:
        """What it has seen is its own."""
        self._watch = Watch(self.settings.stale_s, self.owner)
        self._looks = Looks(0.0, 0.0)

    def look(self, now_s: float) -> None:
        """Once over all claims and all jobs in `processing`."""
        self._bury(self.places.status, now_s)
        keys, tokens = self._bury(self.places.processing, now_s)
        living = self._living()
        folder = self.places.processing
        jobs = files.names(folder, ".json")
        self._looks.forget({folder / name for name in jobs})
        for name in jobs:
            path, key = folder / name, key_of(name)
            token = token_of(path)
            if claims.exists(folder, key) or token in living:
                continue
            look = self._looks.look(path, now_s)
            freed = key in keys or token in tokens
            if freed or (look is not None and look.age_s >= self.settings.stale_s):
                self._take_up(name, token)
        self._sweep()

    def _bury(self, folder: Path, now_s: float) -> tuple[set[str], set[str]]:
        """Keys and tokens of claims that were the dead's until now."""
        keys, tokens = set(), set()
        for name in files.names(folder, ENDING):
            key = name[: -len(ENDING)]
            if self._watch.dead(folder, key, now_s):
                token = self._watch.bury(folder, key)
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
            self._fail(held, f"its worker ended {attempts} times while it ran: {MEND}")
        else:
            held.put_back(counted=True)
            self.books.note(held.job_id, "queued", why="its worker ended", attempts=attempts)
            log.warning("a job is put back", job=held.job_id, attempts=attempts)

    def _fail(self, held: Held, why: str) -> None:
        added = {"status": "failed", "error": why, "completion_timestamp": self.books.stamp()}
        held.end(self.places.failed, added)
        self.books.note(held.job_id, "failed", error=why)
        log.warning("a job is given up", job=held.job_id, why=why)

    def _sweep(self) -> None:
        """Progress of jobs that nobody works on."""
        folder = self.places.processing
        for name in files.names(folder, ".progress"):
            if not claims.exists(folder, name[: -len(".progress")]):
                files.remove(folder / name)
