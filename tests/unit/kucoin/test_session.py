"""A connection's conversation as tables: who says what at which second, and what follows.

Every table is played against a session asked exactly when it wants to be, unless it sleeps.
"""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.bars import SECOND_NS
from liveopt.kucoin.session import ACK_NS_MAX, ATTEMPTS_MAX, BUSY_NS, WELCOME_NS_MAX, Session
from liveopt.kucoin.topics import parted
from liveopt.kucoin.wire import BadFrame

S = SECOND_NS
MATCH = "/market/match:"
WELCOME = '{"id":"hQvf8jkno","type":"welcome"}'  # kucoin-api-docs, "Apply connect token"


def opened(*topics: str, ping_s: int = 18, pong_s: int = 10) -> Session:
    session = Session(ping_s * S, pong_s * S, 0)
    session.subscribe(topics, 0)
    return session


def welcomed(*topics: str) -> tuple[Session, list[str]]:
    session = opened(*topics)
    session.receive(WELCOME, 0)
    return session, session.send(0)


def ack(frame: str) -> str:
    return json.dumps({"id": json.loads(frame)["id"], "type": "ack"})


def error(frame: str | None, code: int, text: str) -> str:
    """An error frame, of a message or without an id."""
    said: dict[str, object] = {"type": "error", "code": code, "data": text}
    return json.dumps(said if frame is None else {"id": json.loads(frame)["id"], **said})


def kinds(frames: Iterable[str]) -> list[str]:
    return [json.loads(frame)["type"] for frame in frames]


def asked(frames: Iterable[str]) -> list[str]:
    return [json.loads(frame)["topic"] for frame in frames]


def sent_until(session: Session, until_ns: int, *, pongs: bool = True) -> list[tuple[int, str]]:
    """Everything sent up to a moment by a writer that is never late."""
    sent: list[tuple[int, str]] = []
    now_ns = session._woken_ns
    while not session.over:
        for frame in session.send(now_ns):
            sent.append((now_ns, frame))
            if pongs and json.loads(frame)["type"] == "ping":
                session.receive('{"id":"1","type":"pong","timestamp":1}', now_ns)
        wake_ns = session.wake_ns()
        if wake_ns > until_ns:
            break
        assert wake_ns > now_ns or session.over, "it asks for a time that is to come"
        now_ns = max(wake_ns, now_ns + 1)
    return sent


def over(session: Session) -> str:
    return session.over


def replies(frame: str, answer: str) -> list[str]:
    said = json.loads(frame)
    if said["type"] == "ping":
        return ['{"id":"1","type":"pong"}']
    assert len(parted(said["topic"])) <= 100
    answers = {"ack": [ack(frame)], "404": [error(frame, 404, "topic does not exist")]}
    return answers.get(answer, [])


# The welcome.


def test_nothing_is_sent_before_the_welcome() -> None:
    session = opened(MATCH + "BTC-USDT")
    assert session.send(0) == []
    assert session.send(9 * S) == []
    assert session.receive(WELCOME, 9 * S) is None
    frames = session.send(9 * S)
    assert [json.loads(frame) for frame in frames] == [
        {
            "id": "1",
            "type": "subscribe",
            "topic": "/market/match:BTC-USDT",
            "privateChannel": False,
            "response": True,
        }
    ]
    assert not session.settled
    assert session.receive(ack(frames[0]), 9 * S) is None
    assert session.settled


def test_without_a_welcome_it_is_over_in_ten_seconds() -> None:
    session = opened(MATCH + "BTC-USDT")
    assert session.wake_ns() == WELCOME_NS_MAX
    assert session.send(WELCOME_NS_MAX - 1) == []
    assert not over(session)
    assert session.send(WELCOME_NS_MAX) == []
    assert session.over == "no welcome in 10 s"
    assert not session.settled


# What the exchange's error frames mean, before and after the welcome. The texts are those of
# the frames collected from issue threads: bmoscon/cryptofeed#838 #1023, Kucoin/kucoin-api-docs#434,
# sammchardy/python-kucoin#52, Kucoin/kucoin-python-sdk#32, and the documentation.

DOOR = [
    (401, "token is expired"),
    (401, "token is invalid"),
    (509, "exceed max session count limitation of 50"),
    (509, "service busy, please retry later"),
    (400, "ping timeout"),
]
ENDS = [(401, "token is expired"), (400, "ping timeout")]
DENIES = [
    (400, "topic is invalid"),
    (403, "login is required"),
    (404, "topic does not exist"),
    (404, "topic /market/match:BSV-BTC is not found"),
    (406, "topic is required"),
    (415, "type is not supported"),
    (509, "exceed max subscription count limitation of 400 per session"),
]
RETRIES = [
    (509, "exceed max permits per second", BUSY_NS),
    (509, "exceed max permits per 10 seconds", BUSY_NS),
    (509, "service busy, please retry later", S),
    (500, "system error", S),
]


@pytest.mark.parametrize(("code", "text"), DOOR)
def test_an_error_at_the_door_ends_it(code: int, text: str) -> None:
    session = opened(MATCH + "BTC-USDT")
    session.receive(error(None, code, text), S)
    assert session.over == f"{code} {text}"
    session.receive(WELCOME, S)
    assert session.send(S) == [], "whatever follows"


@pytest.mark.parametrize(("code", "text"), ENDS)
def test_an_expired_token_and_a_ping_timeout_end_it(code: int, text: str) -> None:
    session, _ = welcomed()
    session.receive(error(None, code, text), S)
    session.receive(error(None, 401, "again"), S)
    assert session.over == f"{code} {text}"


@pytest.mark.parametrize(("code", "text"), DENIES)
def test_a_topic_refused_is_denied_by_name(code: int, text: str) -> None:
    session, frames = welcomed(MATCH + "BSV-BTC")
    session.receive(error(frames[0], code, text), S)
    assert [(one.topic, one.why) for one in session.denied] == [
        (MATCH + "BSV-BTC", f"{code} {text}")
    ]
    assert session.settled
    assert not session.over


@pytest.mark.parametrize(("code", "text", "wait_ns"), RETRIES)
def test_what_will_pass_is_tried_again_and_denied_after_three_times(
    code: int, text: str, wait_ns: int
) -> None:
    session, frames = welcomed(MATCH + "BTC-USDT")
    now_ns = 0
    for _ in range(ATTEMPTS_MAX - 1):
        session.receive(error(frames[0], code, text), now_ns)
        assert session.denied == []
        assert kinds(session.send(now_ns + wait_ns - 1)) in ([], ["ping"])
        assert session.wake_ns() <= now_ns + wait_ns
        now_ns += wait_ns
        frames = [one for one in session.send(now_ns) if json.loads(one)["type"] != "ping"]
        session.receive('{"id":"x","type":"pong"}', now_ns)
        assert asked(frames) == [MATCH + "BTC-USDT"]
    session.receive(error(frames[0], code, text), now_ns)
    assert [one.topic for one in session.denied] == [MATCH + "BTC-USDT"]


@pytest.mark.parametrize("frame", [error(None, 509, "exceed max permits per second")])
def test_too_many_messages_stops_all_requests_for_a_while_with_or_without_an_id(frame: str) -> None:
    session, _ = welcomed()
    session.receive(frame, S)
    session.subscribe([MATCH + "BTC-USDT"], S)
    assert session.wake_ns() == S + BUSY_NS
    assert session.send(S) == []
    assert kinds(session.send(S + BUSY_NS)) == ["subscribe"]


@pytest.mark.parametrize(
    "frame",
    [
        error(None, 404, "topic does not exist"),
        '{"id":"p28","type":"error","code":404,"data":"topic does not exist"}',
        '{"id":"x","type":"error","code":400,"data":"Unrecognized token \'not\': ..."}',
        '{"type":"error"}',
        '{"id":7,"type":"error","code":"500","data":{"deep":[1]}}',
        '{"type":"ack"}',
        '{"id":"77","type":"ack"}',
        '{"id":"1","type":"pong"}',
        '{"type":"notice","data":"something new"}',
        '{"type":""}',
    ],
)
def test_a_frame_about_nothing_of_ours_changes_nothing(frame: str) -> None:
    session, _ = welcomed(MATCH + "BTC-USDT")
    assert session.receive(frame, S) is None
    assert not session.over
    assert not session.settled
    assert session.denied == []


def test_a_push_is_handed_back_even_before_the_ack() -> None:
    session, _ = welcomed(MATCH + "BTC-USDT")
    frame = session.receive('{"type":"message","topic":"/market/match:BTC-USDT","data":{}}', 1)
    assert frame is not None
    assert frame.topic == "/market/match:BTC-USDT"


def test_a_frame_that_is_none_is_refused() -> None:
    with pytest.raises(BadFrame):
        welcomed()[0].receive("not", 1)


# Subscriptions.


def test_a_numeric_id_in_an_ack_counts_too() -> None:
    session, frames = welcomed(MATCH + "BTC-USDT")
    session.receive(ack(frames[0]).replace('"1"', "1"), S)
    assert session.settled


def test_a_numeric_id_in_an_error_counts_too() -> None:
    session, _ = welcomed(MATCH + "BSV-BTC")
    session.receive('{"id":1,"type":"error","code":404,"data":"topic does not exist"}', S)
    assert [one.topic for one in session.denied] == [MATCH + "BSV-BTC"]


def test_a_full_session_denies_a_batch_at_once() -> None:
    """None of its topics is wrong, so to ask for the halves would be of no use."""
    session, frames = welcomed(MATCH + "A", MATCH + "B")
    text = "exceed max subscription count limitation of 400 per session"
    session.receive(error(frames[0], 509, text), S)
    assert [one.topic for one in session.denied] == [MATCH + "A", MATCH + "B"]
    assert session.settled


def test_silence_is_asked_three_times_and_then_denied_by_name() -> None:
    session, frames = welcomed(MATCH + "A", MATCH + "B")
    sent = [(0, frames[0]), *sent_until(session, 60 * S)]
    subscribes = [(at_ns, one) for at_ns, one in sent if json.loads(one)["type"] == "subscribe"]
    assert [at_ns for at_ns, _ in subscribes] == [0, ACK_NS_MAX, 2 * ACK_NS_MAX]
    assert {json.loads(one)["id"] for _, one in subscribes} == {"1"}, "so that a late ack counts"
    assert [(one.topic, one.why) for one in session.denied] == [
        (MATCH + "A", "no ack"),
        (MATCH + "B", "no ack"),
    ]
    assert session.settled
    assert not session.over


def test_a_late_ack_settles_what_waits_to_be_sent_again() -> None:
    session, frames = welcomed(MATCH + "A")
    session.receive(error(frames[0], 509, "exceed max permits per second"), 0)
    session.receive(ack(frames[0]), S)
    assert session.settled
    assert all(json.loads(one)["type"] == "ping" for _, one in sent_until(session, 60 * S))


def test_one_that_waits_does_not_stop_the_others() -> None:
    session, frames = welcomed(MATCH + "A")
    session.receive(error(frames[0], 500, "system error"), 0)
    session.subscribe([MATCH + "B"], 0)
    assert asked(session.send(0)) == [MATCH + "B"]


@pytest.mark.parametrize("wrong", [{7}, {0}, {99}, {3, 4}, {0, 50, 99}, set(range(100))])
def test_the_wrong_topics_of_a_batch_are_found_by_halves(wrong: set[int]) -> None:
    names = [f"{MATCH}S{number}" for number in range(100)]
    bad = {names[number] for number in wrong}
    session, frames = welcomed(*names)
    granted: list[str] = []
    now_ns, count = 0, 0
    while not session.settled:
        for frame in frames:
            count += 1
            topics = parted(json.loads(frame)["topic"])
            if bad & set(topics):
                session.receive(error(frame, 404, "topic does not exist"), now_ns)
            else:
                session.receive(ack(frame), now_ns)
                granted += topics
        now_ns = max(now_ns, min(session.wake_ns(), now_ns + S))
        session.receive('{"id":"x","type":"pong"}', now_ns)
        frames = [one for one in session.send(now_ns) if json.loads(one)["type"] != "ping"]
    assert {one.topic for one in session.denied} == bad
    assert sorted(granted) == sorted(set(names) - bad)
    assert count <= 1 + 14 * len(wrong)


def test_giving_topics_back_is_asked_and_a_refusal_harms_nobody() -> None:
    session, _ = welcomed()
    session.unsubscribe([MATCH + "A", MATCH + "B"], S)
    frames = session.send(S)
    assert kinds(frames) == ["unsubscribe"]
    session.receive(error(frames[0], 404, "topic does not exist"), S)
    frames = session.send(S)
    assert asked(frames) == [MATCH + "A", MATCH + "B"]
    for frame in frames:
        session.receive(error(frame, 404, "topic does not exist"), S)
    assert session.denied == []
    assert session.settled


@given(
    st.lists(
        st.tuples(st.integers(0, 15 * S), st.integers(1, 700), st.booleans()),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([20, 500, 18_000]),
    st.sampled_from(["ack", "silent", "404"]),
)
def test_never_more_than_ninety_messages_in_ten_seconds(
    orders: list[tuple[int, int, bool]], ping_ms: int, answer: str
) -> None:
    session = Session(ping_ms * 1_000_000, 600 * S, 0)
    session.receive(WELCOME, 0)
    times: list[int] = []
    now_ns = 0

    def talk(until_ns: int) -> None:
        nonlocal now_ns
        while now_ns < until_ns:
            for frame in session.send(now_ns):
                times.append(now_ns)
                for reply in replies(frame, answer):
                    session.receive(reply, now_ns)
            now_ns = min(until_ns, max(now_ns + 1, session.wake_ns()))

    for pause_ns, count, apart in orders:
        talk(now_ns + pause_ns)
        prefix = "/p{0}:S" if apart else "/p:S{0}"
        session.subscribe([prefix.format(number) for number in range(count)], now_ns)
    talk(now_ns + 40 * S)
    for place, at_ns in enumerate(times[90:]):
        assert at_ns - times[place] > 10 * S, "91 messages within ten seconds"
    assert not session.over


# Pings.


def test_pings_go_at_the_interval_and_pongs_keep_it_alive() -> None:
    session, _ = welcomed()
    sent = sent_until(session, 1000 * S)
    assert [at_ns for at_ns, _ in sent] == list(range(18 * S, 1000 * S, 18 * S))
    assert set(kinds(frame for _, frame in sent)) == {"ping"}
    assert len({json.loads(frame)["id"] for _, frame in sent}) == len(sent)
    assert not session.over


def test_data_is_no_pong() -> None:
    session, _ = welcomed()
    assert kinds(session.send(18 * S)) == ["ping"]
    for second in range(18, 28):
        session.receive('{"type":"message","topic":"x"}', second * S)
        session.send(second * S)
    assert not over(session)
    assert session.wake_ns() == 28 * S
    session.send(28 * S)
    assert session.over == "no pong in 10 s"


def test_a_second_ping_does_not_move_the_first_ones_deadline() -> None:
    session = opened(ping_s=4, pong_s=10)
    session.receive(WELCOME, 0)
    sent = sent_until(session, 60 * S, pongs=False)
    assert [at_ns // S for at_ns, _ in sent] == [4, 8, 12]
    assert session.over == "no pong in 10 s"


def test_a_ping_may_be_asked_for_and_its_pong_is_counted() -> None:
    session, _ = welcomed()
    assert session.ping(S) == 1
    assert session.wake_ns() == S
    assert kinds(session.send(S)) == ["ping"]
    assert session.pings == 1
    assert session.wake_ns() == 11 * S
    session.receive('{"id":"1","type":"pong"}', 2 * S)
    assert session.pongs == 1
    assert session.ping(3 * S) == 2


def test_who_does_not_read_cannot_blame_the_other_side() -> None:
    session, _ = welcomed()
    session.excuse(S)
    session.send(18 * S)
    for second in range(27, 60):
        session.excuse(second * S)
        session.send(second * S)
        assert not over(session)
    session.send(61 * S)
    assert session.over == "no pong in 10 s"


# Sleep. A process that is asked late cannot tell at once who was away.


@pytest.mark.parametrize("hours", [1, 12])
def test_a_process_that_slept_does_not_kill_a_healthy_connection(hours: int) -> None:
    session, frames = welcomed(MATCH + "A")
    session.receive(ack(frames[0]), 0)
    session.send(18 * S)
    for nap in range(1, 4):
        now_ns = nap * hours * 3600 * S
        assert kinds(session.send(now_ns)) == ["ping"], "with a pong unread"
        assert not over(session)
        session.receive('{"id":"2","type":"pong"}', now_ns)
        assert kinds(session.send(now_ns + 18 * S)) == ["ping"]
        assert not over(session)


def test_a_process_that_sleeps_all_the_time_does_not_ask_twice() -> None:
    session, _ = welcomed()
    unread = '{"type":"ack"}'
    for nap in range(1, 5):
        now_ns = nap * 100 * S
        session.subscribe([f"{MATCH}S{nap}"], now_ns)
        frames = session.send(now_ns)
        assert kinds(frames) == ["subscribe", "ping"], "the ack of the last one is not yet read"
        session.receive(unread, now_ns)
        session.receive('{"id":"1","type":"pong"}', now_ns)
        unread = ack(frames[0])
    assert not over(session)


def test_awake_in_between_it_may_sleep_again() -> None:
    session, _ = welcomed()
    assert kinds(session.send(100 * S)) == ["ping"]
    assert session.send(101 * S) == []
    session.send(112 * S)  # the pong was due at 110 s
    assert not over(session)
    session.send(113 * S)
    assert session.over == "no pong in 10 s"


def test_a_sleep_leaves_a_pong_never_less_time_than_it_had() -> None:
    session, _ = welcomed(MATCH + "A")
    session.receive('{"id":"1","type":"ack"}', 0)
    session.subscribe([MATCH + "B"], 10 * S)
    session.send(10 * S)
    assert kinds(session.send(18 * S)) == ["ping"]  # its pong is due at 28 s
    assert session.send(22 * S) == [], "slept over the ack, which was due at 20 s"
    assert kinds(session.send(23 * S)) == ["subscribe"]
    session.send(28 * S - 1)
    assert not over(session)
    session.send(28 * S)
    assert session.over == "no pong in 10 s"


def test_a_dead_connection_is_found_after_the_sleep() -> None:
    session, _ = welcomed()
    session.send(18 * S)
    session.send(3600 * S)
    session.send(3600 * S + S - 1)
    assert not over(session)
    session.send(3601 * S)
    assert session.over == "no pong in 10 s"


def test_a_process_that_is_always_late_finds_a_dead_connection_too() -> None:
    session, _ = welcomed()
    session.send(18 * S)
    for second in range(40, 60, 5):
        session.receive('{"type":"message","topic":"x"}', second * S)
        session.send(second * S)
    assert session.over == "no pong in 10 s"


def test_after_a_sleep_the_welcome_has_a_moment_more() -> None:
    session = opened(MATCH + "A")
    session.send(60 * S)
    assert not over(session)
    assert session.wake_ns() == 61 * S
    session.receive(WELCOME, 60 * S)
    assert kinds(session.send(60 * S)) == ["subscribe", "ping"]
    session = opened(MATCH + "A")
    session.send(60 * S)
    session.send(61 * S)
    assert session.over == "no welcome in 10 s"


def test_an_overdue_ack_has_a_moment_more_after_a_sleep() -> None:
    session, frames = welcomed(MATCH + "A")
    assert kinds(session.send(100 * S)) == ["ping"]
    session.receive(ack(frames[0]), 100 * S)
    assert session.settled
    session, _ = welcomed(MATCH + "A")
    session.send(100 * S)
    assert session.send(101 * S - 1) == []
    assert kinds(session.send(101 * S)) == ["subscribe"]
