"""Names of the files of a run, and of files and keys that are made of the labels of groups."""

from __future__ import annotations

import hashlib
import re

EFFECTS = "effects.tsv.gz"  # total effects, of the genes that were acted on
FEEDBACK = "feedback.tsv"  # pairs of them that act on one another
REPORT, GROUPS = "report.html", "groups.tsv"
SHARED, DIFFERENTIAL = "shared", "differential.tsv.gz"  # beside the folders of groups that were learned together
MODULES = ("modules.tsv", "module_edges.tsv", "module_path.tsv")
RESULTS = (
    *("edges.tsv.gz", "run.json", "edges.parquet", "ranking.tsv.gz", "nodes.tsv", "network.h5ad", REPORT),
    *("members.parquet", "effects.parquet", "treatments.parquet", EFFECTS, FEEDBACK, DIFFERENTIAL, GROUPS, *MODULES),
)
CORRELATIONS = "correlations.h5"  # among the stages, for as long as there are some to come
_LONGEST = 100  # letters of a label in the name of a file; systems take 255 bytes, with marks of unfinished files


def safe_name(label: str) -> str:
    """Return a name for a file or key from the label of a group; different labels get different names."""
    # No slashes, which keys and paths take apart, no dot at the head, which hides a folder, and no file of a run.
    name = re.sub(r"[^A-Za-z0-9._+-]+", "_", label).strip("._")[:_LONGEST] or "group"
    is_free = name == label and name.lower() not in (*RESULTS, "stages")
    digest = hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()
    return name if is_free else f"{name}-{digest[: 4 if len(label) < _LONGEST else 8]}"
