"""Labels that read like controls in a screen whose controls nobody has named, or not all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from acyclome.errors import InputError, examples
from acyclome.knowledge.labels import SEPARATOR

# Words that published screens have for controls: those that may have a number behind them, and those that make other
# names with one (WT1 is a gene).
_NUMBERED = re.compile(r"(?:sg)?(?:(?:neg)?(?:ctrl|control)s?|ntc|non-?targeting|intergenic|aavs|rosa|lacz|e?gfp)\d*")
_BARE = re.compile(
    r"(?:sg)?(?:nt|neg|negative|targeting|scr|scrambled?|mock|vehicle|dmso|un(?:treated|perturbed|transduced)|luc"
    r"|luciferase|wt|wild|wildtype)"
)
_BESIDE = re.compile(r"\d+|non|safe|harbou?r|guides?|s?g(?:rna)?|p|type|cells")
_MOST_NAMED = 5  # as of all names in a message


def reads_like_control(label: str) -> bool:
    """Return whether a label says in the words of published screens, and in no others, that nothing was done."""
    words = re.findall(r"[^\W_]+", label.lower())
    says = [bool(_NUMBERED.fullmatch(word) or _BARE.fullmatch(word)) for word in words]
    return any(says) and all(found or _BESIDE.fullmatch(word) for word, found in zip(words, says, strict=True))


def check_controls(unknown: Mapping[str, int], column: str) -> None:
    """Refuse that observations are left out, ``unknown`` by label, which are the controls, since nobody named these."""
    alike = [label for label in unknown if reads_like_control(label)]
    if not alike:
        return
    named = examples([f"{label} ({unknown[label]:,})" for label in alike])
    msg = (
        f"Labels in {column!r} (perturbation) read like controls, and no control is named: {named}. These observations "
        f"would be left out, as of a target that is not measured. Name them, --control {as_option(alike)}, or give "
        "controls no label. If they are none, take their observations out of the data."
    )
    raise InputError(msg)


def further_controls(unknown: Sequence[str], control: str | None) -> str:
    """Return how controls are named beside the one there is, those that read like some among them."""
    alike = [label for label in unknown if reads_like_control(label)]
    return as_option([*filter(None, [control]), *alike]) if alike else "'A;B'"


def as_option(labels: Sequence[str]) -> str:
    text = SEPARATOR.join(labels[:_MOST_NAMED])
    return text if text.isalnum() else f"'{text}'"
