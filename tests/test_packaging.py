"""What is said in two places says the same: requirements, environments, versions, options."""

from __future__ import annotations

import importlib.util
import inspect
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

import acyclome
from acyclome.network import EDGE_COLUMNS, NODE_COLUMNS, RANKING_COLUMNS

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# The peers that benchmarks compare with are installed for benchmarks alone.
PINNED_EXTRAS = ("workflow", "dask", "slurm", "report", "test", "docs")
# Conda calls some packages otherwise; pytorch has one name for each kind of machine.
CONDA_NAMES = {"igraph": "python-igraph", "matplotlib": "matplotlib-base"}
TORCH = {"cpu": "pytorch-cpu", "gpu": "pytorch-gpu"}


def requirements(*extras: str) -> list[Requirement]:
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in PROJECT["optional-dependencies"][extra])]
    return [Requirement(line) for line in lines]


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_constraints_are_plain_exact_versions():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wrong = [
        line for line in lines if not line.startswith("#") and not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9A-Za-z.]+", line)
    ]
    assert wrong == []
    assert "acyclome" not in constraints()


@pytest.mark.parametrize("requirement", requirements(*PINNED_EXTRAS), ids=str)
def test_every_requirement_has_an_exact_version_within_its_bounds(requirement):
    pinned = {canonicalize_name(name): version for name, version in constraints().items()}
    assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])


@pytest.mark.parametrize("requirement", requirements(*PROJECT["optional-dependencies"]), ids=str)
def test_requirements_have_lower_bounds_only(requirement):
    assert [bound.operator for bound in requirement.specifier] == [">="]


@pytest.mark.parametrize("kind", ["cpu", "gpu"])
def test_the_conda_environment_has_the_bounds_of_the_package(kind):
    environment = YAML(typ="safe").load(ROOT / f"envs/{kind}.yaml")
    names = CONDA_NAMES | {"torch": TORCH[kind]}
    expected = {f"{names.get(item.name, item.name)} {item.specifier}" for item in requirements("report", "dask")}
    assert set(environment["dependencies"]) - {"pip"} == expected | {f"python {PROJECT['requires-python']}"}
    assert environment["channels"] == ["conda-forge", "nodefaults"]


def test_the_pinned_environment_has_the_exact_versions_that_were_tested():
    *parts, pip = YAML(typ="safe").load(ROOT / "envs/pinned.yaml")["dependencies"]
    pinned = {canonicalize_name(name): version for name, version in constraints().items()}
    found = {canonicalize_name(name): version for name, version in (line.split("==") for line in pip["pip"])}
    assert parts == ["python =3.11", "pip"]  # of which the constraints are, as their first line says
    assert found == {name: pinned[name] for name in found}
    assert {canonicalize_name(item.name) for item in requirements("report", "dask")} <= set(found)


@pytest.mark.parametrize("kind", ["cpu", "gpu", "pinned"])
def test_the_conda_environment_gets_the_package_of_the_same_version(kind):
    script = (ROOT / f"envs/{kind}.post-deploy.sh").read_text(encoding="utf-8")
    assert f"acyclome=={acyclome.__version__}" in script


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "workflow/schemas/generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name",
    [
        *("workflow/schemas/config.schema.yaml", "workflow/schemas/datasets.schema.yaml"),
        *("config/config.yaml", "config/README.md"),
    ],
)
def test_the_options_are_the_same_everywhere(name):
    assert (ROOT / name).read_text(encoding="utf-8") == generator().files()[ROOT / name], (
        "an option changed: run `make schema`"
    )


def test_the_default_config_of_the_workflow_is_the_default_of_the_package():
    options = YAML(typ="safe").load(ROOT / "config/config.yaml")
    science = {key: value for key, value in options.items() if key not in generator().WORKFLOW_OPTIONS}
    assert acyclome.Config.from_mapping(science) == acyclome.Config()


def test_the_citation_is_of_the_last_release_and_dated_as_in_the_changelog():
    citation = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    releases = re.findall(r"^## (\S+) \((\S+)\)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert (citation["version"], citation["date-released"]) == releases[0]
    assert citation["version"] == acyclome.__version__
    assert citation["license"] == PROJECT["license"]


def test_the_entry_of_the_registry_is_of_this_package():
    entry = YAML(typ="safe").load((ROOT / ".github/scverse-ecosystem.yaml").read_text(encoding="utf-8"))
    assert (entry["name"], entry["install"]) == (PROJECT["name"], {"pypi": PROJECT["name"]})
    assert (entry["version"], entry["license"]) == (acyclome.__version__, PROJECT["license"])
    extras = re.search(r"\[(.+)\]", entry["test_command"])[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])


def test_every_change_is_one_short_line():
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if len(line) > 120 or line.startswith(" ")] == []


def test_the_forge_tries_the_versions_of_python_that_are_promised():
    workflow = YAML(typ="safe").load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    tried = workflow["jobs"]["versions"]["strategy"]["matrix"]["python"]
    promised = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d", line)]
    assert tried == promised
    assert PROJECT["requires-python"] == f">={min(tried, key=lambda version: int(version[2:]))}"


def test_a_commit_is_formatted_by_the_version_that_the_tests_have():
    hooks = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"]
    ruff = next(hook["rev"] for hook in hooks if hook["repo"].endswith("ruff-pre-commit"))
    assert ruff == f"v{constraints()['ruff']}"


def test_the_license_is_the_one_the_metadata_name():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["license"] == "BSD-3-Clause"
    assert text.startswith("BSD 3-Clause License")
    assert "the acyclome authors" in text


def test_links_between_pages_lead_somewhere():
    pages = [
        path
        for folder in (".", "docs", "docs/results", "docs/tutorials", "benchmarks", "config")
        for path in (ROOT / folder).glob("*.md")
    ]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert broken == []


def test_the_glossary_has_every_column():
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    columns = {*EDGE_COLUMNS, *RANKING_COLUMNS, *NODE_COLUMNS}
    assert sorted(columns - set(re.findall(r"`(\w+)`", text))) == []


def test_words_for_users_name_no_package_index():
    texts = [path for folder in ("workflow", "config") for path in (ROOT / folder).rglob("*") if path.is_file()]
    hosts = ("pypi.org", "pypi.python.org", "download.pytorch.org")
    named = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in [ROOT / "README.md", *texts]
        for host in hosts
        if host in path.read_text(encoding="utf-8", errors="ignore")
    ]
    assert named == []


def public() -> dict[str, object]:
    """Return what users import, and the methods of the classes among it, by name."""
    rooms = {room.__name__: room for room in (acyclome.tl, acyclome.pp, acyclome.get, acyclome.pl)}
    doors = {name: getattr(acyclome, name) for name in acyclome.__all__ if not name.startswith("_")}
    doors |= {
        f"{room}.{name}": value
        for room, module in rooms.items()
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == room and not name.startswith("_")
    }
    classes = {name: value for name, value in doors.items() if inspect.isclass(value)}
    return doors | {
        f"{name}.{part}": getattr(value, "__func__", getattr(value, "fget", value))
        for name, kind in classes.items()
        for part, value in vars(kind).items()
        if not part.startswith("_") and (inspect.isroutine(value) or isinstance(value, property))
    }


@pytest.mark.parametrize("name", public())
def test_what_users_call_says_what_it_takes_and_what_it_refuses(name):
    thing = public()[name]
    text = inspect.getdoc(thing) or ""
    assert text.partition("\n")[0].rstrip(".") != "", "a docstring"
    if not inspect.isfunction(thing):
        return
    taken = [one for one in inspect.signature(thing).parameters if one not in ("self", "cls")]
    if len(taken) > 1:
        described = text.partition("Parameters\n")[2].partition("Returns\n")[0]
        assert [one for one in taken if not re.search(rf"\b{one}\b", described)] in ([], ["adata"])
    if name.count(".") != 1 or "raise " in inspect.getsource(
        thing
    ):  # of methods, those that refuse something themselves
        assert "Raises\n------" in text


def test_the_container_is_made_of_what_was_tested_and_runs_as_nobody_of_rank():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    words = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    told = {word: [rest for name, rest in words if name == word] for word, _ in words}
    assert told["FROM"] == ["python:3.11-slim-bookworm"]
    copied = [name for line in told["COPY"] for name in line.split()[:-1]]
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[0] == "!"]
    assert sorted(copied) == sorted(kept)
    assert all((ROOT / name).exists() for name in copied)
    assert "-c constraints.txt" in told["RUN"][0]
    assert told["USER"] == ["1000"]
    assert told["ENTRYPOINT"] == ['["acyclome"]']
