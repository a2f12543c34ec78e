import csv
import difflib
import json
import math
import operator
import os
import re
import shlex
from functools import reduce

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import validate

# Keys of the config that steer the workflow; all others are the options of acyclome and are handed to it as they are.
WORKFLOW_KEYS = (
    "datasets",
    "resample_parts",
    "shard_parts",
    "dask",
    "device",
    "environment",
)

# Endings of networks in the formats of other programs; the h5ad of a network is there already, and zarr is a folder.
EXPORTS = (
    *("tsv", "csv", "parquet", "graphml", "cx2", "gexf", "gml", "dot", "sif", "gmt"),
    *("grnndata.h5ad", "genernib.h5ad", "cpdag.tsv", "scenic.csv", "matrix.csv"),
)

# Lists of regulators that come with acyclome, and are no files.
SHIPPED = ("human", "mouse")


def check(data, schema, source):
    """Validate against a schema; a failure names key, value and what is allowed, without printing the whole schema."""
    try:
        validate(data, schema)
    except WorkflowError as error:
        cause = error.__context__
        if cause is None or not hasattr(cause, "json_path"):
            raise
        if is_misread_number(cause):
            *path, key = cause.absolute_path
            number = float(cause.instance)
            reduce(operator.getitem, path, data)[key] = (
                int(number) if number.is_integer() else number
            )
        elif not take_earlier_names(data, cause):
            raise WorkflowError(explain_violation(cause, source)) from None
        check(data, schema, source)


def kinds_allowed(violation):
    """Return the types that a violated schema allows."""
    rules = violation.schema
    kinds = [choice.get("type") for choice in rules.get("anyOf", [rules])]
    return {kind for one in kinds for kind in (one if isinstance(one, list) else [one])}


def is_misread_number(violation):
    """Return whether a number was read as a word: Snakemake reads YAML 1.1, where 1e4 is one; acyclome reads 1.2."""
    number = r"[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+"
    return (
        kinds_allowed(violation) & {"number", "integer"}
        and isinstance(violation.instance, str)
        and re.fullmatch(number, violation.instance) is not None
    )


def take_earlier_names(data, violation):
    """Put what stands under an earlier name, of which the schema knows, under that of today; return whether any did."""
    today = violation.schema.get("x-renamed", {})
    found = sorted(set(today) & set(violation.instance)) if today else []
    home = reduce(operator.getitem, violation.absolute_path, data)
    for name in found:
        logger.warning(f"config: {name} is deprecated; write {today[name]}.")
        value = home.pop(name)
        *sections, key = today[name].split(".")
        below = reduce(
            lambda part, section: part.setdefault(section, {}), sections, data
        )
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            below[key].update(value)
        else:
            below[key] = value
    return bool(found)


def explain_violation(violation, source):
    """Return in one line each what is wrong, what the key means, and which key may have been meant."""
    key = violation.json_path.removeprefix("$").lstrip(".")
    lines = [f"{source}: {key or 'a key'}: {violation.message}."]
    if violation.validator == "additionalProperties":
        known = list(violation.schema["properties"])
        unknown = sorted(set(violation.instance) - set(known))
        near = [
            match
            for name in unknown
            for match in difflib.get_close_matches(name, known, n=1)
        ]
        lines += [f"Did you mean {', '.join(near)}?"] if near else []
        lines.append(f"Allowed here: {', '.join(known)}.")
    else:
        bounds = {
            "type",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "enum",
            "const",
            "pattern",
        }
        allowed = {
            name: value for name, value in violation.schema.items() if name in bounds
        }
        lines.append(f"Allowed: {json.dumps(allowed)[1:-1]}." if allowed else "")
        if "string" in kinds_allowed(violation) and isinstance(
            violation.instance, (bool, int, float)
        ):
            lines.append(
                f"Write {key} in quotes: a text that looks like something else."
            )
        lines.append(violation.schema.get("description", ""))
    return "\n".join(filter(None, [*lines, "All options: config/README.md."]))


# What jobs ask for beside what is foreseen, to which plans of memory are true within 30%; nodes differ more in speed.
MARGIN, MARGIN_MB = 1.3, 500  # two processes of Snakemake take 170 each
SLOWER, MARGIN_MINUTES = 4, 15

EXAMPLE = "config/datasets.tsv"  # which a checkout of the workflow has


def read_schema(name):
    """Return a schema that lies beside the rules."""
    with open(workflow.source_path(f"../schemas/{name}.schema.yaml")) as handle:
        return json.load(handle)


def check_columns(row, path):
    """Refuse a column that is no option, with those that are spelled alike: there are too many to list."""
    known = ROW_SCHEMA["properties"]
    for column in row:
        if column not in known:
            near = ", ".join(difflib.get_close_matches(column, known, n=3))
            guess = f"Did you mean {near}? " if near else ""
            if set(re.split("[,;]", column)) & set(known):
                guess = "It names several: columns are parted by tabs, not commas or semicolons (save as .tsv). "
            raise WorkflowError(
                f"{path}: there is no column {column!r}. {guess}"
                "Columns are dataset, path, and the options of config/README.md (resamples, fit.lambda1)."
            )


def read_cell(text, part):
    """Return a cell as the option that the part of the schema describes: lists are joined by semicolons."""
    if part.get("type") == "array":
        items = [item.strip() for item in text.split(";")]
        return [read_cell(item, part["items"]) for item in items if item]
    kinds = {choice.get("type") for choice in part.get("anyOf", [part])}
    if "null" in kinds and "string" not in kinds and text.lower() == "none":
        return None
    if text.lower() in ("true", "false") and "boolean" in kinds:
        return text.lower() == "true"
    for kind, read in (("integer", int), ("number", float)):
        if kind in kinds:
            try:
                return read(text)
            except ValueError:  # the schema says what is allowed
                pass
    return text


def option_rules(path):
    """Return the part of the schema that describes an option, named by section and dot."""
    section, _, key = path.rpartition(".")
    rules = CONFIG_SCHEMA["properties"]
    if section:
        reference = rules[section]["$ref"].rpartition("/")[2]
        rules = CONFIG_SCHEMA["$defs"][reference]["properties"]
    return rules[key]


def row_options(name):
    """Return the options of acyclome for a row of the table: of the config, then of its preset, then of its cells."""
    options = {
        key: dict(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in WORKFLOW_KEYS
    }
    row, columns = DATASETS[name], ROW_SCHEMA["properties"]
    asked = dict(columns["preset"]["x-presets"].get(row.get("preset"), {}))
    for column, text in row.items():
        if path := columns[column].get("x-option"):
            asked[path] = read_cell(text, option_rules(path))
    for path, value in asked.items():
        section, _, key = path.rpartition(".")
        home = options.setdefault(section, {}) if section else options
        home[key] = value
    check(options, "../schemas/config.schema.yaml", f"{config['datasets']}: {name}")
    return {key: value for key, value in options.items() if key not in WORKFLOW_KEYS}


def read_datasets(path):
    """Return the rows of the table of data sets by name; empty cells are left out."""
    example = os.path.join(str(workflow.current_basedir), "../..", EXAMPLE)
    if path == EXAMPLE and not os.path.exists(path) and os.path.isfile(example):
        # Tried from elsewhere, as by `snakemake -n -s .../Snakefile`: what comes with the workflow, and is said to.
        logger.warning(
            f"config: datasets: {path} is not there; the example of the workflow is taken."
        )
        path = example
    if not os.path.isfile(path):
        raise WorkflowError(
            f"config: datasets: {path} is not there; it is the table of data sets (see config/README.md)."
        )
    # Spreadsheet programs put a mark before the first byte; utf-8-sig takes it off.
    with open(path, newline="", encoding="utf-8-sig") as handle:
        lines = (line for line in handle if line.strip() and not line.startswith("#"))
        rows = list(csv.DictReader(lines, delimiter="\t"))
    datasets = {}
    for cells in rows:
        surplus = cells.pop(None, None)
        row = {key.strip(): (value or "").strip() for key, value in cells.items()}
        row = {key: value for key, value in row.items() if key and value}
        if surplus and any(cell.strip() for cell in surplus):
            raise WorkflowError(
                f"{path}: the row {row.get('dataset', '')!r} has more cells than the table has columns: "
                f"{', '.join(surplus)}. Is there a tab too many, or a column without a name?"
            )
        check_columns(row, path)
        check(row, "../schemas/datasets.schema.yaml", path)
        name = row["dataset"]
        if name in datasets:
            raise WorkflowError(
                f"{path}: the dataset {name!r} is there twice; every row needs a name of its own."
            )
        datasets[name] = row
    if not datasets:
        raise WorkflowError(
            f"{path}: no data set found; add one row each (see config/README.md)."
        )
    return datasets


def expression_file(row):
    """Return the expression file of a row: the user's own, or one that a rule makes under resources/."""
    path = DATASETS[row]["path"]
    return path if path.startswith("resources/") else local(path)


def knowledge_files(row):
    """Return the files of prior knowledge of a row: regulators, tables of edges, tiers."""
    known = OPTIONS[row]["knowledge"]
    return [local(path) for path in known.values() if path and path not in SHIPPED]


def row_path(wildcards):
    return expression_file(wildcards.row)


def row_knowledge(wildcards):
    return knowledge_files(wildcards.row)


def dataset_path(wildcards):
    return expression_file(row_of(wildcards.dataset))


def dataset_knowledge(wildcards):
    return knowledge_files(row_of(wildcards.dataset))


def row_of(dataset):
    """Return the row that a network belongs to: its own name, or what stands before that of a group."""
    return dataset.partition("/")[0]


def is_grouped(row):
    """Return whether a row asks for a network of every label of a column."""
    asked = OPTIONS[row]["input"]
    return asked.get("group_by") is not None and asked.get("group") is None


def is_joint(row):
    """Return whether a row asks for its groups to be learned together."""
    return is_grouped(row) and OPTIONS[row]["input"].get("joint", False)


def is_sharded(row):
    """Return whether the network of a row is cut into shards."""
    asked = OPTIONS[row]["shard"]
    return asked["shards"] > 0 or asked["shard_memory"] is not None


def networks(rows):
    """Return a pattern for the names of the networks of these rows, a part for each group where there are groups."""
    names = [re.escape(row) + ("[/][^/]+" if is_grouped(row) else "") for row in rows]
    return "|".join(names) or "(?!)"  # that matches nothing


def read_groups(row):
    """Return the labels of the groups of a row by the names of their folders, once they have been listed."""
    table = checkpoints.list_groups.get(row=row).output[0]
    with open(table, newline="", encoding="utf-8") as handle:
        return {
            line["folder"]: line["label"]
            for line in csv.DictReader(handle, delimiter="\t")
        }


def groups_table(wildcards):
    """Return the table that a group of a row is looked up in; nothing where the whole is learned."""
    return (
        [f"results/{row_of(wildcards.dataset)}/groups.tsv"]
        if "/" in wildcards.dataset
        else []
    )


def learned_together(wildcards):
    """Return what ends the learning of groups together, once a name is known to be that of one of them."""
    dataset_options(wildcards.dataset)
    return f"results/{row_of(wildcards.dataset)}/differential.tsv.gz"


def dataset_options(dataset):
    """Return the options of acyclome for a network: those of its row, and its group."""
    row, _, folder = dataset.partition("/")
    options = OPTIONS[row]
    if not folder:
        return options
    groups = read_groups(row)
    if folder not in groups:
        raise WorkflowError(
            f"{row} has no group {folder!r}; it has {', '.join(groups)}."
        )
    return options | {"input": options["input"] | {"group": groups[folder]}}


def pages(dataset):
    """Return what is looked at of a network: its report, and its figures."""
    return [
        f"results/{dataset}/report.html",
        f"results/{dataset}/figures/edges.html",
    ]


def results_known(wildcards):
    """Return the reports, and tables of differences, of the rows whose networks are known beforehand."""
    results = []
    for row in DATASETS:
        if is_joint(row):
            results += [
                f"results/{row}/report.html",
                f"results/{row}/differential.tsv.gz",
                *pages(f"{row}/shared"),
            ]
        elif not is_grouped(row):
            results += pages(row)
    return results


def results_of_groups(wildcards):
    """Return the reports of all groups, once these have been listed."""
    return [
        page
        for row in DATASETS
        if is_grouped(row)
        for folder in read_groups(row)
        for page in pages(f"{row}/{folder}")
    ]


def dataset_config(wildcards):
    """Return the text of the config file of one data set (JSON, which every reader of YAML takes)."""
    return json.dumps(dataset_options(wildcards.dataset), indent=2, sort_keys=True)


def resample_parts(wildcards):
    """Return the stage files of all resampling jobs of a data set; none when it does not resample."""
    asked = OPTIONS[row_of(wildcards.dataset)]["resample"]["resamples"]
    parts = min(config["resample_parts"], asked)
    return expand(
        "results/{dataset}/stages/resample-{part}-of-{parts}.npz",
        dataset=wildcards.dataset,
        part=range(1, parts + 1),
        parts=parts,
    )


def shard_parts(wildcards):
    """Return the stage files of all jobs that fit shards of a data set."""
    shards = OPTIONS[row_of(wildcards.dataset)]["shard"]["shards"]
    parts = min(config["shard_parts"], shards or math.inf)
    return expand(
        "results/{dataset}/stages/fit-{part}-of-{parts}.npz",
        dataset=wildcards.dataset,
        part=range(1, parts + 1),
        parts=parts,
    )


def shard_stages(wildcards):
    """Return what the shards of a data set leave behind; nothing where it is not cut."""
    if not is_sharded(row_of(wildcards.dataset)):
        return []
    return [f"results/{wildcards.dataset}/stages/shard.npz", *shard_parts(wildcards)]


def module_files(wildcards):
    """Return the gene sets that a row names modules by, and those that they follow, by column."""
    row = DATASETS[row_of(wildcards.dataset)]
    return {
        column: local(row[column])
        for column in ("gene_sets", "visible")
        if column in row
    }


def module_words(wildcards):
    """Return what a row asks of its modules as words of the command."""
    row = DATASETS[row_of(wildcards.dataset)]
    asked = module_files(wildcards) | {"modules": row.get("modules", "auto")}
    return [
        word
        for column, value in asked.items()
        for word in (f"--{column.replace('_', '-')}", value)
    ]


def figure(name):
    """Return a figure of a network as an output that stands in the report of the workflow."""
    return report(
        f"results/{{dataset}}/figures/{name}.svg",
        caption="../report/figures.rst",
        category="{dataset}",
        labels={"data set": "{dataset}", "what": name.replace("_", " ")},
    )


def memory_mb(base, per_input_mb):
    """Return a request for memory that grows with the input file and with every further attempt."""

    def request(wildcards, input, attempt):
        return math.ceil(attempt * (base + per_input_mb * input.size_mb))

    return request


def foreseen(input, stage):
    """Return the megabytes and seconds of a stage, as acyclome planned them when it prepared the data."""
    notes = next(path for path in input if path.endswith("stages/config.json"))
    with open(notes, encoding="utf-8") as handle:
        jobs = json.load(handle).get("jobs", {})  # an earlier version did not plan
    return jobs.get(stage, {"mb": 8000, "seconds": 7200})


def planned_mb(stage):
    """Return a request for the memory of a stage, and of the two processes of Snakemake beside it in a job."""

    def request(wildcards, input, attempt):
        return math.ceil(attempt * (MARGIN_MB + MARGIN * foreseen(input, stage)["mb"]))

    return request


def planned_minutes(stage):
    """Return a request for the time of a stage, a part of which is that of a job that shares it with others."""

    def request(wildcards, input, attempt):
        seconds = foreseen(input, stage)["seconds"] / int(wildcards.get("parts", 1))
        return math.ceil(attempt * (MARGIN_MINUTES + SLOWER * seconds / 60))

    return request


def runtime_minutes(base):
    """Return a request for time that grows with every further attempt."""

    def request(wildcards, attempt):
        return attempt * base

    return request


check(config, "../schemas/config.schema.yaml", "config")

CONFIG_SCHEMA = read_schema("config")
ROW_SCHEMA = read_schema("datasets")
DATASETS = read_datasets(config["datasets"])
OPTIONS = {name: row_options(name) for name in DATASETS}
LEARNED = [row for row in DATASETS if not is_joint(row)]
TOGETHER = "|".join(re.escape(row) for row in DATASETS if is_joint(row)) or "(?!)"
GROUPS_OF_THEM = rf"(?:{TOGETHER})/(?!shared/)[^/]+"
# Networks whose files stand in a folder of their own, whichever rule has put them there.
NETWORKS = f"{networks(LEARNED)}|(?:{TOGETHER})/[^/]+"
DASK = f"--dask {shlex.quote(config['dask'])}" if config["dask"] else ""
DEVICE = f"--device {config['device']}" if config["device"] != "auto" else ""
ENVIRONMENT = f"../../envs/{config['environment']}.yaml"


wildcard_constraints:
    dataset=networks(LEARNED),
    row="|".join(map(re.escape, DATASETS)),
    part=r"\d+",
    parts=r"\d+",
