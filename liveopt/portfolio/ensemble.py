"""The vote of the algorithms: a portfolio of those strategies that many of them want.

A design of our own, for the documents that ask for it define none. Each algorithm votes for its
members with its share of all fitness above 0; where none is above 0 all votes weigh the same. The
members with the most votes are the ensemble: of equals the one that is better alone, then by name.
"""

from collections.abc import Sequence

from liveopt.data.panel.panel import Float64
from liveopt.portfolio.result import Members, Tried, Vote


def vote(tried: Sequence[Tried]) -> Vote:
    """Of algorithms that searched one size; who failed has no vote."""
    found = [one for one in tried if one.members]
    good = {one.algorithm: max(0.0, one.fitness) for one in found}
    total = sum(good.values())
    if not 0.0 < total < float("inf"):
        good, total = dict.fromkeys(good, 1.0), float(len(good))
    weights = {name: value / total for name, value in good.items()}
    votes: dict[int, float] = {}
    voters: dict[int, int] = {}
    for one in found:
        for member in one.members:
            votes[member] = votes.get(member, 0.0) + weights[one.algorithm]
            voters[member] = voters.get(member, 0) + 1
    return Vote(weights, votes, voters)


def elected(vote: Vote, size: int, alone: Float64, names: Sequence[str]) -> Members:
    """The members of the ensemble, in ascending order."""
    ranked = sorted(vote.votes, key=lambda i: (-vote.votes[i], -alone[i], names[i]))
    return tuple(sorted(ranked[:size]))
