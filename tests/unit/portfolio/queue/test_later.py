"""Jobs that are put off."""

from dataclasses import dataclass

from liveopt.portfolio.queue.later import MOST_S, Later


@dataclass
class Time:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_the_pause_doubles_up_to_a_bound_and_begins_anew_once_it_was_begun() -> None:
    time = Time()
    later, pauses = Later(time, 2.0), list[float]()
    for _ in range(8):
        later.put_off("a", "no room", shared=False)
        began_s = time.now_s
        while later.why("a"):
            time.now_s += 1.0
        pauses.append(time.now_s - began_s)
    assert pauses == [2.0, 4.0, 8.0, 16.0, 32.0, MOST_S, MOST_S, MOST_S]
    later.begun("a")
    later.put_off("a", "no room", shared=False)
    assert later.why("a") == "no room; it is tried again in 2 s"
    assert later.why("b") == ""


def test_what_the_share_is_to_blame_for_is_trouble_until_it_is_over() -> None:
    time = Time()
    later = Later(time, 2.0)
    later.put_off("a", "its own fault", shared=False)
    assert later.trouble() == ""
    later.put_off("b", "no room", shared=True)
    time.now_s = 3.0
    assert later.trouble() == "no room", "it has not been tried again yet"
    later.begun("b")
    assert later.trouble() == ""


def test_one_that_never_comes_back_is_forgotten() -> None:
    time = Time()
    later = Later(time, 2.0)
    later.put_off("a", "no room", shared=True)
    time.now_s = 3.0 * MOST_S
    assert later.trouble() == ""
