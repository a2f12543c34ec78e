"""Options as Python gives them: arguments over a mapping, over a preset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acyclome.config import Config
from acyclome.errors import ConfigError
from acyclome.options import presets


def asked_for(config: Mapping[str, Any] | Config | None, preset: str | None, given: Mapping[str, Any]) -> Config:
    """Return the options of a call; arguments, by section and dot, count where they are not None.

    Raises
    ------
    ConfigError
        If an option or the preset cannot be used, or a preset stands beside a whole :class:`Config`.
    """
    if preset is not None and isinstance(config, Config):
        msg = "preset and a Config say the same options. Give these as a mapping, such as {'score': {'gamma': 1}}."
        raise ConfigError(msg)
    options = Config.from_mapping(config)
    chosen = {path: value for path, value in presets.options_of(preset).items() if not _is_set(options, path)}
    return options.with_options({**chosen, **{path: value for path, value in given.items() if value is not None}})


def _is_set(options: Config, path: str) -> bool:
    section, _, name = path.partition(".")
    return section in options.model_fields_set and name in getattr(options, section).model_fields_set
