"""What the workflow would do, through each of its doors."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

import acyclome
from acyclome.cli import build_app, stages
from acyclome.io import formats
from acyclome.io.names import safe_name
from acyclome.options.presets import PRESETS

ROOT = Path(__file__).resolve().parents[2]
EXPECTED = {
    "get_demo_data": 1,
    "write_config": 1,
    "prepare_expression": 1,
    "screen_candidates": 1,
    "fit_network": 1,
    "order_genes": 1,
    "resample_network": 2,
    "write_network": 1,
    "write_report": 1,
    "draw_figures": 1,
}
MODULE = """
module acyclome:
    snakefile: "{snakefile}"
    config: {{"datasets": "sheet.tsv", "resample_parts": 3}}
    prefix: "networks"

use rule * from acyclome as acyclome_*

rule everything:
    default_target: True
    input: rules.acyclome_all.input
"""


def without(jobs: dict[str, int], *names: str) -> dict[str, int]:
    return {name: count for name, count in jobs.items() if name not in names}


def test_the_root_door_and_the_real_entry_plan_the_same_jobs(workplace):
    root = workplace.snakemake("-n")
    entry = workplace.snakemake("-n", snakefile=ROOT / "workflow/Snakefile")
    assert root.code == entry.code == 0, root.text + entry.text
    assert without(root.jobs, "acyclome") == without(entry.jobs, "all") == EXPECTED


def test_a_row_says_by_which_sets_its_modules_are_named(workplace):
    workplace.write("my sets.gmt", "S\t\tA\tB\n")
    workplace.write(
        "config/datasets.tsv",
        "dataset\tpath\tgene_sets\tmodules\nexample\tresources/pbmc68k_reduced.h5ad\tmy sets.gmt\t20\n",
    )
    answer = workplace.snakemake("-n", "-p", "results/example/modules.tsv")
    assert answer.code == 0, answer.text
    assert "--gene-sets 'my sets.gmt' --modules 20" in answer.text


def test_from_an_empty_folder_the_example_is_taken_and_said_to_be(workplace):
    (workplace.folder / "config/datasets.tsv").unlink()
    answer = workplace.snakemake("-n")
    assert answer.code == 0, answer.text
    assert "config/datasets.tsv is not there; the example of the workflow is taken" in answer.text


def test_as_a_module_it_runs_in_its_prefix_and_leaves_the_users_paths_alone(workplace):
    workplace.write(
        "sheet.tsv",
        "dataset\tpath\tregulators\nmine\tdata/mine.tsv\ttfs.txt\nexample\tresources/pbmc68k_reduced.h5ad\t\n",
    )
    workplace.write("data/mine.tsv", "")
    workplace.write("tfs.txt", "A\n")
    door = workplace.write("Snakefile", MODULE.format(snakefile=ROOT / "workflow/Snakefile"))
    answer = workplace.snakemake("-n", "--printshellcmds", snakefile=door)
    assert answer.code == 0, answer.text
    jobs = {name.removeprefix("acyclome_"): count for name, count in without(answer.jobs, "everything").items()}
    expected = {name: 2 * count for name, count in EXPECTED.items()} | {"get_demo_data": 1, "resample_network": 6}
    assert jobs == expected
    assert (
        "acyclome prepare data/mine.tsv -o networks/results/mine --config networks/resources/config/mine.yaml"
        in answer.text
    )
    assert "--part 3 --parts 3" in answer.text


def test_the_network_in_another_format_is_a_target(workplace):
    answer = workplace.snakemake("-n", "--printshellcmds", "results/pbmc68k_reduced/network.graphml")
    assert answer.code == 0, answer.text
    assert answer.jobs == without(EXPECTED, "write_report", "draw_figures") | {"export_network": 1}
    assert "acyclome export results/pbmc68k_reduced --output results/pbmc68k_reduced/network.graphml" in answer.text


def test_every_format_of_a_file_is_a_target():
    common = (ROOT / "workflow/rules/common.smk").read_text(encoding="utf-8")
    written = {formats.file_name(name).removeprefix("network.") for name in formats.FORMATS}
    block = common.partition("EXPORTS = (")[2].partition("\n)\n")[0]
    assert set(re.findall(r'"([^"]+)"', block)) == written - {"h5ad", "zarr"}


def test_jobs_are_as_many_as_resamples_and_shards_allow_and_each_that_computes_gets_the_device(workplace):
    rows = "quick\tx.h5ad\t0\t\t\nfour\tx.h5ad\t2\t4\t\ntwo\tx.h5ad\t1\t2\t\nmemory\tx.h5ad\t9\t\t2\n"
    workplace.write("config/datasets.tsv", f"dataset\tpath\tresamples\tshards\tshard_memory\n{rows}")
    workplace.write("x.h5ad", "")
    given = ("shard_parts=3", "resample_parts=5", "device=cuda")
    answer = workplace.snakemake("-n", "--printshellcmds", "--config", *given)
    assert answer.code == 0, answer.text
    named = {row: answer.text.count(f"acyclome {row} ") for row in ("screen", "fit", "order", "resample", "merge")}
    # Of shards by memory the number is not known beforehand.
    assert named == {"screen": 4, "fit": 1 + 3 + 2 + 3, "order": 4, "resample": 0 + 2 + 1 + 5, "merge": 3}
    assert answer.jobs["fit_network"] == 1
    assert "acyclome fit results/four --part 3 --parts 3 --dask local --threads" in answer.text
    commands = [line for line in answer.text.splitlines() if re.search(r"acyclome (screen|fit|order|resample) ", line)]
    assert all("--device cuda" in line for line in commands)


def test_numbers_may_be_written_in_short_and_earlier_names_work_and_are_warned_of(workplace):
    short = "prepare: {target_sum: 1.5e4, n_top_genes: 2e3}\nshard: {shard_memory: 2e1}\nseed: 1e3\n"
    early = "score: {restarts: 0}\nclimb: {shortlist: 4}\n"
    workplace.write("options.yaml", f"fit: {{drop_tol: 1e-5, mu: [1, 1e-2]}}\n{short}{early}")
    wanted = "resources/config/pbmc68k_reduced.yaml"
    answer = workplace.snakemake("--cores", "1", wanted, "--configfile", "options.yaml")
    assert answer.code == 0, answer.text
    assert "restarts is deprecated; write search.perturbations." in answer.text
    config = acyclome.Config.from_yaml(workplace.folder / wanted)
    assert (config.fit.drop_tol, config.fit.mu) == (1e-5, (1, 1e-2))
    assert (config.prepare.target_sum, config.prepare.n_top_genes) == (1.5e4, 2000)
    assert (config.shard.shard_memory, config.seed) == (20, 1000)
    assert (config.search.perturbations, config.search.shortlist) == (0, 4)


def test_a_row_overrules_the_config(workplace):
    workplace.write(
        "config/datasets.tsv",
        "dataset\tpath\tlayer\tgroup_by\tgroup\tresamples\tpreset\n"
        "mono\tx.h5ad\tcounts\tcell_type\tCD14+ Mono's\t3\tquick\n",
    )
    workplace.write("x.h5ad", "")
    answer = workplace.snakemake("--cores", "1", "resources/config/mono.yaml")
    assert answer.code == 0, answer.text
    config = acyclome.Config.from_yaml(workplace.folder / "resources/config/mono.yaml")
    assert (config.input.layer, config.input.group_by, config.input.group) == ("counts", "cell_type", "CD14+ Mono's")
    cells = {"input.layer": "counts", "input.group_by": "cell_type", "input.group": "CD14+ Mono's"}
    assert config == acyclome.Config().with_options({**PRESETS["quick"], **cells, "resample.resamples": 3})


ROWS = """\
dataset\tpath\tgroup_by\tresamples\tfit.mu\tinput.joint\tshards\tn_top_genes\tprepare.target_sum\tvalidation.checks
apart\tx.h5ad\tkind\t0\t1;0.1\t\t\t\tnone\tfalse
joint\tx.h5ad\tkind\t4\t\ttrue\t\t1e3\t\t
cut\tx.h5ad\t\t1\t\t\t2\t\t\t
"""


def test_rows_take_every_option_and_groups_become_networks_once_they_are_listed(workplace):
    from anndata import AnnData

    AnnData(np.ones((30, 3), np.float32), obs={"kind": ["B", "T/NK", "B"] * 10}).write_h5ad(workplace.folder / "x.h5ad")
    workplace.write("config/datasets.tsv", ROWS)
    before = workplace.snakemake("-n", "--printshellcmds")
    assert before.code == 0, before.text
    once = {
        **dict.fromkeys(EXPECTED, 1),
        "draw_figures": 2,
        "write_config": 2,
        "shard_candidates": 1,
        "fit_shards": 1,
        "merge_shards": 1,
    }
    once = without(once, "get_demo_data", "fit_network")
    assert without(before.jobs, "acyclome") == {**once, "list_groups": 1, "learn_together": 1}
    assert "acyclome run x.h5ad -o results/joint --config resources/config/joint.yaml --overwrite" in before.text

    typed = re.findall(r"\bacyclome (.+?) > logs/\S+ 2>&1$", before.text, flags=re.MULTILINE)
    assert {words.split()[0] for words in typed} == {*stages.STAGES, "prepare", "inspect", "run", "figures"}
    for words in typed:  # every command of the rules is one that the shell takes
        name, *rest = shlex.split(words)
        assert build_app().commands[name].make_context(name, rest).params

    configs = [f"resources/config/{name}.yaml" for name in ("apart/B", f"apart/{safe_name('T/NK')}", "joint")]
    listed = workplace.snakemake("--cores", "1", *configs, "results/joint/groups.tsv")
    assert listed.code == 0, listed.text
    one, other, joint = (acyclome.Config.from_yaml(workplace.folder / name) for name in configs)
    assert (one.input.group, other.input.group, joint.input.group) == ("B", "T/NK", None)
    assert (one.resample.resamples, one.fit.mu, one.prepare.target_sum) == (0, (1.0, 0.1), None)
    assert not one.validation.checks
    assert joint.input.joint
    assert (joint.resample.resamples, joint.prepare.n_top_genes, joint.fit) == (4, 1000, acyclome.Config().fit)

    network = f"results/apart/{safe_name('T/NK')}/network.gml"
    reports = ["results/apart/B/report.html", "results/cut/report.html", "results/joint/B/report.html"]
    after = workplace.snakemake(
        "-n", "--", network, *reports, "results/joint/B/network.cx2", "results/joint/B/modules.tsv"
    )
    assert after.code == 0, after.text
    assert (after.jobs["learn_together"], after.jobs["take_group"], after.jobs["export_network"]) == (1, 1, 2)
    assert after.jobs["find_modules"] == 1
    assert (after.jobs["prepare_expression"], after.jobs["fit_network"], after.jobs["write_report"]) == (3, 2, 2)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        (
            "config/datasets.tsv",
            "dataset\tpath\tresample.resample\na\tx\t3\n",
            ["no column 'resample.resample'. Did you mean resample"],
        ),
        (
            "config/datasets.tsv",
            "dataset\tpath\tresamples\na\tx\t-3\n",
            ["config/datasets.tsv: a: resample.resamples: -3 is less than the minimum of 0"],
        ),
        (
            "config/extra.yaml",
            "screen: {partal: 3}\n",
            ["config: screen", "'partal' was unexpected", "Did you mean partial?"],
        ),
        ("config/extra.yaml", "input: {group_by: ct, group: NO}\n", ["input.group", "Write input.group in quotes"]),
        ("config/extra.yaml", "input: {group_by: ct, group: 1}\n", ["input.group", "Write input.group in quotes"]),
        ("config/extra.yaml", "seed: 1.5e-1\n", ["seed", "is not of type 'integer'"]),
        (
            "config/datasets.tsv",
            "dataset\tpath\na b\tx.h5ad\n",
            ["config/datasets.tsv: dataset", "'a b'", "Name of the row"],
        ),
        ("config/datasets.tsv", "dataset\tpath\na\tx\na\ty\n", ["'a' is there twice"]),
        (
            "config/datasets.tsv",
            "dataset,path\na,x\n",
            ["no column 'dataset,path'. It names several: columns are parted by tabs"],
        ),
        (
            "config/datasets.tsv",
            "dataset\tpath\na\tx\ty.txt\n",
            ["the row 'a' has more cells than the table has columns: y.txt"],
        ),
    ],
)
def test_a_wrong_config_stops_before_anything_and_says_what_is_allowed(workplace, file, content, words):
    workplace.write(file, content)
    extra = ["--configfile", file] if file.endswith("yaml") else []
    answer = workplace.snakemake("-n", *extra)
    assert answer.code == 1
    assert [word for word in words if word not in answer.text] == []
    assert len(answer.text.splitlines()) < 20


def test_the_table_may_come_from_a_spreadsheet_program(workplace):
    workplace.write("config/datasets.tsv", "\ufeff" + (ROOT / "config/datasets.tsv").read_text(encoding="utf-8"))
    answer = workplace.snakemake("-n")
    assert answer.code == 0, answer.text
    assert without(answer.jobs, "acyclome") == EXPECTED


def rule_names() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk")]
    return {name for text in texts for name in re.findall(r"^rule (\w+):", text, flags=re.MULTILINE)}


@pytest.mark.parametrize("name", ["default", "slurm", "slurm-gpu"])
def test_a_profile_speaks_of_rules_that_exist(name):
    profile = YAML(typ="safe").load(ROOT / "profiles" / name / "config.yaml")
    assert set(profile.get("set-resources", {})) <= rule_names()
    if name != "default":
        assert profile["executor"] == "slurm"
        assert profile["retries"] > 0


def test_the_profile_with_cards_gives_one_to_each_job_that_computes_on_it(workplace):
    answer = workplace.snakemake("-n", "--printshellcmds", "--workflow-profile", str(ROOT / "profiles/slurm-gpu"))
    assert answer.code == 0, answer.text
    commands = re.findall(r"\bacyclome (\w+) .*--device cuda", answer.text)
    assert sorted(commands) == ["fit", "order", "resample", "resample", "screen"]
    assert "--dask" not in answer.text
    plain, profile = (YAML(typ="safe").load(ROOT / f"profiles/{name}/config.yaml") for name in ("slurm", "slurm-gpu"))
    assert plain == {key: value for key, value in profile.items() if key not in ("config", "set-resources")}
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").glob("*.smk")]
    rules = [part for text in texts for part in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]]
    computing = {part.partition(":")[0] for part in rules if "{params.device}" in part}
    assert profile["set-resources"] == {rule: {"gpu": 1} for rule in computing}


def test_the_picture_of_the_rules_is_that_of_snakemake():
    spec = importlib.util.spec_from_file_location("rulegraph", ROOT / "workflow/schemas/rulegraph.py")
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    page = (ROOT / "config/README.md").read_text(encoding="utf-8")
    assert drawing.readme_text() == page, "a rule changed: run `make schema`"
    assert "screen_candidates --> order_genes" in page


def test_every_rule_has_log_benchmark_environment_memory_and_message():
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        rules = text.split("\nrule ") if "rule " in text and path.stem != "common" else []
        for rule in [part for part in rules if "shell:" in part]:
            missing = [
                word for word in ("log:", "benchmark:", "conda:", "threads:", "mem_mb", "message:") if word not in rule
            ]
            assert missing == [], f"{path.name}: {rule.splitlines()[0]}"
            assert any(word in rule for word in ("acyclome ", "printf ", "touch "))


def test_a_paper_is_a_table_of_networks_that_the_workflow_learns(workplace):
    snakefile = ROOT / "workflow/papers/Snakefile"
    answer = workplace.snakemake("-n", "--config", "name=dream4", snakefile=snakefile)
    assert answer.code == 0, answer.text
    assert answer.jobs["take_data"] == 3
    assert answer.jobs["score_network"] == answer.jobs["acyclome_write_network"] == 6
    refused = workplace.snakemake("-n", "--config", "name=dream6", snakefile=snakefile)
    assert refused.code == 1
    assert "There is no paper 'dream6'. Choose one: --config name=dream4 or name=dream5" in refused.text
