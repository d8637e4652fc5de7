"""A section of the settings: frozen, and nothing in it that is not known."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """What all sections are."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
