"""Options that go together, under one name."""

from __future__ import annotations

from typing import Any

from acyclome.errors import ConfigError

# A first look, without confidence; and a hundred halves, as many as the bounds of stability selection are given for
# (Meinshausen and Bühlmann 2010; Shah and Samworth 2013), of which every share of returns is known to .05.
PRESETS: dict[str, dict[str, Any]] = {
    "quick": {"resample.resamples": 0, "search.perturbations": 0, "validation.checks": False},
    "paper": {"resample.resamples": 100},
}


def options_of(name: str | None) -> dict[str, Any]:
    """Return what a preset sets, by section and dot; of None nothing."""
    if name is None:
        return {}
    if name not in PRESETS:
        msg = f"preset = {name!r} is none of {', '.join(PRESETS)}."
        raise ConfigError(msg)
    return dict(PRESETS[name])


def said() -> str:
    """Return what each of them sets, in words of the command line."""
    each = (
        f"{name} ({', '.join(f'{path} {str(value).lower()}' for path, value in options.items())})"
        for name, options in PRESETS.items()
    )
    return ", ".join(each)
