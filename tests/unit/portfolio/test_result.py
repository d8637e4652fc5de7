"""What is asked of the records: the best of what was tried."""

from liveopt.portfolio.result import leader_of
from tests.unit.portfolio.test_ensemble import tried


def test_the_leader_is_the_best_that_has_members_and_of_equals_the_first() -> None:
    failed = tried("bo", float("-inf"), ())
    one, same, less = tried("ga", 2.0, (1,)), tried("sa", 2.0, (2,)), tried("hc", -1.0, (3,))
    assert leader_of([failed, less, one, same]) is one
    assert leader_of([failed]) is None
    assert leader_of([]) is None
