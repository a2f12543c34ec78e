"""A first day with the workflow, as one would type it into a folder where snakedeploy has put it.

What takes a minute there, the run itself and the zip of its report, is in ``test_run.py``.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from anndata import AnnData
from numpy import ones

ROOT = Path(__file__).resolve().parents[2]
# What `snakedeploy deploy-workflow ADDRESS . --tag v1.0.0` writes, with a place on this machine for the address.
DEPLOYED = """
configfile: "config/config.yaml"

module acyclome:
    snakefile: "{snakefile}"
    config: config

use rule * from acyclome
"""


def test_a_session_in_a_folder_that_was_deployed(workplace):
    shutil.copytree(ROOT / "profiles", workplace.folder / "profiles")
    workplace.write("workflow/Snakefile", DEPLOYED.format(snakefile=ROOT / "workflow/Snakefile"))
    rows = "dataset\tpath\tlayer\tgroup_by\tregulators\npbmc\tpbmc.h5ad\tcounts\t\thuman\nmono\tpbmc.h5ad\t\tkind\t\n"
    workplace.write("config/datasets.tsv", rows)
    cells = ones((30, 3), "f4")
    AnnData(cells, obs={"kind": ["B", "T/NK", "B"] * 10}, layers={"counts": cells}).write_h5ad(
        workplace.folder / "pbmc.h5ad"
    )

    def typed(words):
        answer = workplace.typed(*words.split())
        assert answer.code == 0, answer.text
        return answer

    planned = typed("snakemake -n").jobs  # shards, groups and resamples; groups once they are listed
    assert (planned["list_groups"], planned["prepare_expression"], planned["resample_network"]) == (1, 1, 2)
    submitted = typed("snakemake -n --workflow-profile profiles/slurm -- results/pbmc/network.cx2").jobs
    assert (submitted["export_network"], submitted["fit_network"]) == (1, 1)
