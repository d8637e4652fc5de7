"""control.json: complete for who may read it, absent for the rest."""

from pathlib import Path

from liveopt.guard.control import Control, read_control


def test_what_is_written_is_read_by_the_same_user_only(tmp_path: Path) -> None:
    file = tmp_path / "control.json"
    Control(8788, "token", 7).write(file)
    assert read_control(file) == Control(8788, "token", 7)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_the_old_one_is_replaced_whole_and_its_reader_keeps_it(tmp_path: Path) -> None:
    file = tmp_path / "control.json"
    Control(1, "old", 1).write(file)
    with file.open("rb") as reader:
        Control(2, "new", 2).write(file)
        assert b"old" in reader.read()
    assert read_control(file).token == "new"


def test_a_link_in_its_place_is_replaced_not_followed(tmp_path: Path) -> None:
    victim, file = tmp_path / "victim", tmp_path / "control.json"
    victim.write_text("mine")
    file.symlink_to(victim)
    Control(2, "new", 2).write(file)
    assert victim.read_text() == "mine"
    assert not file.is_symlink()
