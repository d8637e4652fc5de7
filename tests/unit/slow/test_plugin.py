"""Which strategy files are taken, and what is said about the others."""

import hashlib
import os
from pathlib import Path

import pytest

from liveopt.core.strategy import BadKnobs
from liveopt.slow.plugin import FILE_MAX, BadFile, load

GOOD = """
from dataclasses import dataclass
from liveopt.core.strategy import Choice, Knob, Strategy

@dataclass(slots=True)
class Memory:
    target: float = 0.0

STRATEGY = Strategy(
    text="Long.",
    step=lambda bar, k, x, m: 1.0,
    memory=Memory,
    knobs={"window": Knob(1, 10, 3, "bars", whole=True)},
    warmup=lambda k: k["window"],
)
"""


def file(folder: Path, text: str = GOOD, name: str = "mine.py", mode: int = 0o600) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_file_is_loaded_with_its_name_and_the_hash_of_what_was_run(tmp_path: Path) -> None:
    strategy, sha256 = load(file(tmp_path))
    assert strategy.name == "mine"
    assert strategy.text == "Long."
    assert sha256 == hashlib.sha256(GOOD.encode()).hexdigest()


def test_the_same_file_is_taken_again_and_a_changed_one_is_not(tmp_path: Path) -> None:
    path = file(tmp_path)
    _, sha256 = load(path)
    assert load(path, sha256)[1] == sha256
    file(tmp_path, GOOD + "# changed\n")
    with pytest.raises(BadFile, match="has changed since the run began"):
        load(path, sha256)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused_with_the_mend(tmp_path: Path, mode: int) -> None:
    path = file(tmp_path, mode=mode)
    with pytest.raises(BadFile, match=f"others may write .* do: chmod go-w {path}"):
        load(path)
    path.chmod(mode & ~0o022)
    load(path)


def test_a_file_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path)
    if path.stat().st_uid == 0:
        os.chown(path, 12_345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(BadFile, match="belongs to somebody else"):
        load(path)


def test_nothing_of_a_refused_file_is_run(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    path = file(tmp_path, f"open({str(sign)!r}, 'w')\n", mode=0o666)
    with pytest.raises(BadFile):
        load(path)
    assert not sign.exists()


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("mine.py", "x = 1\n", "has no STRATEGY"),
        ("mine.py", "STRATEGY = 7\n", "has no STRATEGY"),
        ("my-idea.py", GOOD, "is no name of a strategy"),
        ("mine.txt", GOOD, "is no name of a strategy"),
        ("macd.py", GOOD, "there is a strategy macd already"),
        ("mine.py", GOOD.replace('"window": Knob', '"stop": Knob'), "may not call .* stop"),
        ("mine.py", GOOD.replace('"window": Knob', '"warmup": Knob'), "may not call .* warmup"),
        (
            "mine.py",
            GOOD.replace('{"window": Knob(1, 10, 3, "bars", whole=True)}', "{}"),
            "no knob",
        ),
        ("mine.py", GOOD.replace("target: float = 0.0", "side: float = 0.0"), "needs a field: tar"),
        ("mine.py", "#" * (FILE_MAX + 1), "is no file of at most 1,048,576 bytes"),
    ],
)
def test_what_is_no_strategy_file_is_refused(
    tmp_path: Path, name: str, text: str, complaint: str
) -> None:
    with pytest.raises(BadFile, match=complaint):
        load(file(tmp_path, text, name))


def test_a_usual_value_outside_its_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadKnobs, match="window=30"):
        load(file(tmp_path, GOOD.replace("Knob(1, 10, 3", "Knob(1, 10, 30")))


def test_a_choice_that_reads_as_a_number_is_refused(tmp_path: Path) -> None:
    text = GOOD.replace(
        "    warmup", '    choices={"kind": Choice(("07", "b"), "b", "which")},\n    warmup'
    )
    assert "Choice((" in text
    text = text.replace("import Knob", "import Choice, Knob")
    with pytest.raises(BadKnobs, match="'07' reads as a number"):
        load(file(tmp_path, text))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be read: No such file"):
        load(tmp_path / "mine.py")
