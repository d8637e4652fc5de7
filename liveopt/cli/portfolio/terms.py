"""The terms of a portfolio run: the settings, and what the command line says otherwise."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_origin

from pydantic import ValidationError

from liveopt.config import Portfolio
from liveopt.optimize.parameters import BadParameter

MULTIPLICATIVE_USUAL: Final = 0.1
"""The weight of a multiplicative penalty, where nobody says another."""


def terms_of(settings: Portfolio, given: Mapping[str, Any], more: Sequence[str]) -> Portfolio:
    """The settings, over them the options that were given, over them `--set key=value`."""
    wanted = {key: value for key, value in given.items() if value is not None}
    for one in more:
        key, equals, value = one.partition("=")
        if not equals or key not in Portfolio.model_fields:
            near = difflib.get_close_matches(key, Portfolio.model_fields, 1)
            hint = (
                f"did you mean {near[0]}?"
                if near
                else "they are " + ", ".join(Portfolio.model_fields)
            )
            raise BadParameter(
                f"--set {one}: write key=value; the keys are those of [portfolio]; {hint}"
            )
        several = get_origin(Portfolio.model_fields[key].annotation) is tuple
        wanted[key] = [part for part in value.split(",") if part] if several else value
    if wanted.get("penalty") == "multiplicative" and "penalty_weight" not in wanted:
        wanted["penalty_weight"] = min(settings.penalty_weight, MULTIPLICATIVE_USUAL)
    try:
        return Portfolio.model_validate({**settings.model_dump(exclude={"share"}), **wanted})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][:1])
        what = Portfolio.model_fields[where].description if where else ""
        said = first["msg"].removeprefix("Value error, ")
        raise BadParameter(f"{where}: {said}. {what}" if where else said) from None
