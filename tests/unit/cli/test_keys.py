"""`liveopt keys`: made, shown once, listed, revoked."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from liveopt.cli.app import app, main
from liveopt.web.keys import Keys
from liveopt.web.uses import Uses

run = CliRunner()


def typed(folder: Path, *words: str) -> tuple[int, str]:
    found = run.invoke(app, ["keys", *words, "--state", str(folder)])
    return found.exit_code, found.stdout


def test_a_key_is_shown_once_and_opens_until_it_is_revoked(tmp_path: Path) -> None:
    code, text = typed(tmp_path, "create", "grafana", "--scope", "read", "--scope", "stop")
    key = text.strip()
    assert code == 0
    found = Keys(tmp_path).find(key.encode(), 0.0, 1)
    assert found is not None
    assert (found.name, found.scopes) == ("grafana", ("read", "stop"))
    _, listed = typed(tmp_path, "list", "--json")
    assert key.rpartition("_")[2] not in listed
    (one,) = json.loads(listed)
    assert (one["status"], one["last_used_at"]) == ("valid", None)
    Uses(tmp_path).keep({one["id"]: 1_700_000_000_000_000_000})
    used = json.loads(typed(tmp_path, "list", "--json")[1])[0]["last_used_at"]
    assert used == "2023-11-14T22:13:20+00:00"
    assert "2023-11-14" in typed(tmp_path, "list")[1]
    assert typed(tmp_path, "revoke", found.id)[0] == 0
    assert Keys(tmp_path).find(key.encode(), 0.0, 1) is None
    assert json.loads(typed(tmp_path, "list", "--json")[1])[0]["status"] == "revoked"


def test_json_has_the_key_and_its_scopes(tmp_path: Path) -> None:
    code, text = typed(tmp_path, "create", "ci", "--scope", "optimize", "--days", "1", "--json")
    said = json.loads(text)
    assert (code, said["scopes"]) == (0, ["optimize"])
    assert said["key"].startswith(f"lo_{said['id']}_")
    assert said["expires_at"] is not None


def test_without_a_scope_it_reads_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    assert typed(tmp_path, "create", "reader")[0] == 0
    assert Keys(tmp_path).all()[0].scopes == ("read",)
    found = run.invoke(app, ["keys", "create", "x", "--scope", "all", "--state", str(tmp_path)])
    assert found.exit_code != 0
    assert typed(tmp_path, "revoke", "nobody")[0] != 0
    assert len(Keys(tmp_path).all()) == 1


def test_a_list_that_is_cut_is_one_line_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(tmp_path, "create", "grafana")[0] == 0
    cut = (tmp_path / "keys.json").read_bytes()[:-9]
    (tmp_path / "keys.json").write_bytes(cut)
    for words in (["list"], ["create", "b"], ["revoke", "1a2b3c4d"]):
        with pytest.raises(SystemExit) as end:
            main(lambda words=words: app(["keys", *words, "--state", str(tmp_path)]))  # type: ignore[misc]
        assert end.value.code == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert "keys.json cannot be read: Input data was truncated" in line
        assert "Put back copies" in line
    assert (tmp_path / "keys.json").read_bytes() == cut
