"""What a process writes on stderr: its end is kept, and no secret of it is told."""

import os

import pytest

from liveopt import logs
from liveopt.guard.overheard import LINE_MAX, Overheard

SECRET = "s3cr3t-of-a-process-that-is-overheard"


async def heard(text: bytes) -> Overheard:
    """One whose process wrote this and ended."""
    found = Overheard(aloud=False)
    os.write(found.theirs, text)
    found.close()
    return found


async def test_its_last_line_is_kept_without_what_moves_a_cursor() -> None:
    found = await heard(b"first\nlast \x1b[2J\n\n")
    assert found.last == "last [2J"


async def test_a_secret_in_its_last_line_is_not_told_even_where_the_line_is_cut() -> None:
    logs.hide(SECRET)
    assert (await heard(f"bad signature with {SECRET}\n".encode())).last == (
        f"bad signature with {logs.REDACTED}"
    )
    before = "".join(chr(65 + place % 26) for place in range(LINE_MAX - 10))
    cut = (await heard(f"{before}{SECRET}".encode())).last
    assert cut == f"{before}{logs.REDACTED}"[:LINE_MAX]


async def test_what_was_kept_is_passed_on_without_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.hide(SECRET)
    found = await heard(f"Traceback\nValueError: {SECRET}\n".encode())
    found.aloud()
    assert capsys.readouterr().err == f"Traceback\nValueError: {logs.REDACTED}\n"
