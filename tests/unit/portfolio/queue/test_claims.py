"""A key is one worker's at a time."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec

from liveopt.portfolio.queue import claims, processes
from liveopt.portfolio.queue.claims import Claim, Watch
from liveopt.portfolio.queue.processes import Owner

HERE = processes.me()
ELSEWHERE = Owner("elsewhere", "boot", "space", 1, 1)
DEAD = msgspec.structs.replace(HERE, born=HERE.born + 1)


def test_a_key_is_taken_once_until_it_is_released(tmp_path: Path) -> None:
    claim = claims.take(tmp_path, "a", HERE)
    assert claim is not None
    assert claims.take(tmp_path, "a", ELSEWHERE) is None
    assert claims.take(tmp_path, "b", HERE) is not None
    assert claims.at(tmp_path, "a") == claim
    claims.release(tmp_path, "a", claim)
    assert claims.take(tmp_path, "a", ELSEWHERE) is not None


def test_processes_that_race_for_keys_share_them_without_a_double(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from liveopt.portfolio.queue import claims, processes;"
        "me = processes.me();"
        "print(*[k for k in map(str, range(300)) if claims.take(Path(sys.argv[1]), k, me)])"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    taken = [key for child in children for key in child.communicate()[0].split()]
    assert len(taken) == len(set(taken)) == 300


def test_another_owners_claim_is_neither_kept_nor_released(tmp_path: Path) -> None:
    mine = claims.take(tmp_path, "a", HERE)
    assert mine is not None
    assert claims.keep(tmp_path, "a", mine)
    other = Claim("other", HERE)
    assert not claims.keep(tmp_path, "a", other)
    claims.release(tmp_path, "a", other)
    assert claims.exists(tmp_path, "a")
    assert not claims.keep(tmp_path, "b", mine)


def test_a_process_of_this_machine_is_dead_or_not_at_once(tmp_path: Path) -> None:
    watch = Watch(60.0, ELSEWHERE)
    claims.take(tmp_path, "living", HERE)
    claims.take(tmp_path, "dead", DEAD)
    assert not watch.dead(tmp_path, "living", 0.0)
    assert not watch.dead(tmp_path, "living", 1e9)
    assert watch.dead(tmp_path, "dead", 0.0)


def test_elsewhere_it_is_dead_without_a_sign_of_life_for_long(tmp_path: Path) -> None:
    watch = Watch(60.0, HERE)
    claim = claims.take(tmp_path, "a", ELSEWHERE)
    assert claim is not None
    assert not watch.dead(tmp_path, "a", 100.0)
    assert not watch.dead(tmp_path, "a", 159.0)
    os.utime(tmp_path / "a.claim", (5.0, 5.0))  # a sign of life, whatever its clock says
    assert not watch.dead(tmp_path, "a", 161.0)
    assert not watch.dead(tmp_path, "a", 220.0)
    assert watch.dead(tmp_path, "a", 221.0)


def test_a_claim_that_was_never_written_is_dead_after_that_time_too(tmp_path: Path) -> None:
    watch = Watch(60.0, HERE)
    (tmp_path / "a.claim").touch()
    assert not watch.dead(tmp_path, "a", 0.0)
    dead = watch.dead(tmp_path, "a", 60.0)
    assert dead is not None
    assert watch.bury(tmp_path, "a", dead) == ""
    assert not list(tmp_path.iterdir())


def test_a_dead_ones_claim_is_ended_by_one_alone(tmp_path: Path) -> None:
    claim = claims.take(tmp_path, "a", DEAD)
    assert claim is not None
    watch = Watch(60.0, HERE)
    dead = watch.dead(tmp_path, "a", 0.0)
    assert dead is not None
    assert watch.bury(tmp_path, "a", dead) == claim.token
    assert watch.bury(tmp_path, "a", dead) is None
    assert claims.take(tmp_path, "a", HERE) is not None


def test_who_has_taken_the_key_of_a_dead_one_meanwhile_keeps_it(tmp_path: Path) -> None:
    """Two find the same one dead; the slower of them must not end the claim that is there now."""
    claims.take(tmp_path, "a", DEAD)
    slow, fast = Watch(60.0, HERE), Watch(60.0, HERE)
    judged, also = slow.dead(tmp_path, "a", 0.0), fast.dead(tmp_path, "a", 0.0)
    assert judged is not None
    assert also is not None
    assert fast.bury(tmp_path, "a", also)
    living = claims.take(tmp_path, "a", ELSEWHERE)
    assert slow.bury(tmp_path, "a", judged) is None
    assert claims.at(tmp_path, "a") == living


def test_one_that_stirs_before_it_is_buried_lives(tmp_path: Path) -> None:
    watch = Watch(60.0, HERE)
    claim = claims.take(tmp_path, "a", ELSEWHERE)
    assert claim is not None
    os.utime(tmp_path / "a.claim", (1, 1))
    watch.dead(tmp_path, "a", 0.0)
    dead = watch.dead(tmp_path, "a", 60.0)
    assert dead is not None
    assert claims.keep(tmp_path, "a", claim)
    assert watch.bury(tmp_path, "a", dead) is None
    assert claims.holds(tmp_path, "a", claim)


def test_what_is_gone_is_not_remembered(tmp_path: Path) -> None:
    watch = Watch(60.0, HERE)
    claims.take(tmp_path, "a", HERE)
    watch.dead(tmp_path, "a", 0.0)
    (tmp_path / "a.claim").unlink()
    watch.forget(tmp_path, set())
    claims.take(tmp_path, "a", HERE)
    assert not watch.dead(tmp_path, "a", 60.0), "its time begins when it is seen"


def test_a_claim_that_is_hidden_for_a_moment_is_not_lost(tmp_path: Path) -> None:
    claim = claims.take(tmp_path, "a", HERE)
    assert claim is not None
    path = tmp_path / "a.claim"
    path.rename(tmp_path / "hidden")
    timer = threading.Timer(0.05, lambda: (tmp_path / "hidden").rename(path))
    timer.start()
    assert claims.holds(tmp_path, "a", claim)
    timer.join()
    path.unlink()
    assert not claims.holds(tmp_path, "a", claim)
