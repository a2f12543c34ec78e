"""The folder of a run: results with the names users know, and one whole file per finished stage.

A stage file is an npz of plain arrays; its facts, its key and its encoding travel inside it as JSON. The key is the
fingerprint of everything the stage depended on, so a run that goes on after a kill takes a stage as done only if it was
done with the same options on the same data.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from acyclome._version import __version__
from acyclome.errors import InputError, examples
from acyclome.io.atomic import ensure_writable, remove, remove_leftovers
from acyclome.io.declared import check_path
from acyclome.io.digested import key_of, read_record, read_stage, write_record, write_stage
from acyclome.io.kinds import unlike
from acyclome.io.lock import whole_folder
from acyclome.io.names import CORRELATIONS, DIFFERENTIAL, GROUPS, MODULES, RESULTS, SHARED, safe_name
from acyclome.network.feedback import RECORDED

if TYPE_CHECKING:
    from acyclome.network import Network
    from acyclome.network.modules import ModuleNetwork

logger = logging.getLogger(__name__)
# Of the files of a run as they stand beside run.json, which says it for the tables in text. Earlier ones said nothing.
ENCODING = {"encoding-type": "acyclome-run", "encoding-version": "0.1.0"}
# Entries of run.json that commands compute with, as in io.kinds; without interventions there is nothing in them.
_READ_LATER = {"feedback?": {f"{name}?": kind for name, kind in RECORDED.items()}, "identification?": {}}
PERMUTED = "permuted.h5"  # among the stages: what preparation makes of counts that are permuted


@dataclass(frozen=True)
class RunFolder:
    """The files of one run; making the object touches nothing."""

    path: Path

    def __init__(self, path: str | os.PathLike[str]) -> None:
        object.__setattr__(self, "path", Path(path))  # frozen, yet to be made of a text too

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> Self:
        """Make the folder, prove that it can be written to, and remove what killed processes left in it."""
        folder = cls(path)
        for directory in (ensure_writable(folder.path), ensure_writable(folder.stage(""))):
            for name in remove_leftovers(directory):
                logger.info("Removed the unfinished file %s of an earlier run.", directory / name)
        return folder

    @classmethod
    @contextmanager
    def begin(cls, path: str | os.PathLike[str]) -> Iterator[Self]:
        """Make the folder as :meth:`create` does, for this process alone.

        It is taken away again if the block fails before a file is in it, or refuses its input before a stage is done
        but the preparation, whose outcome is then of no use.
        """
        stages = cls(path).stage("")
        new = [directory for directory in (stages, *stages.parents) if not directory.exists()]
        try:
            with whole_folder(ensure_writable(path)):
                yield cls.create(path)
        except BaseException as error:
            if isinstance(error, InputError) and Path(path) in new and Path(path).is_dir():
                for folder in (cls(path), *(cls(part) for part in Path(path).iterdir() if part.is_dir())):
                    folder.forget_preparation()
                if not any(part.is_dir() for part in Path(path).glob("*")):  # which the table of groups would list
                    remove(cls(path).file(GROUPS))
            for directory in new:
                with suppress(OSError):  # one that holds something stays, and so do those around it
                    directory.rmdir()
            raise

    def file(self, name: str) -> Path:
        return self.path / name

    def stage(self, name: str) -> Path:
        return self.path / "stages" / name

    def group(self, label: str) -> RunFolder:
        return RunFolder(self.path / safe_name(label))

    def check_apart(self, path: str | os.PathLike[str], what: str) -> None:
        """Raise an InputError if a file is one that a run writes here, or a folder in which this one would lie."""
        place, home = Path(path).resolve(), self.path.resolve()
        if place.is_dir() and home.is_relative_to(place):
            msg = f"{str(self.path)!r} lies in {str(path)!r}, which a run would change. Give a folder beside it (-o)."
            raise InputError(msg)
        if place in [home / name for name in RESULTS] or place.is_relative_to(home / "stages"):
            msg = (
                f"{what} {str(path)!r} has the place of a file that a run writes into {str(self.path)!r}, and one "
                "would replace the other. Give another folder or file, or move it."
            )
            raise InputError(msg)

    def is_finished(self, options: Mapping[str, Any], input_path: str | os.PathLike[str]) -> bool:
        """Return whether the network that these options (as JSON) and this input give is here, which then may stay.

        Raises
        ------
        InputError
            If another one is here, of which nothing is to be lost unasked.
        """
        groups = self.groups()
        if self.file("edges.tsv.gz").exists():
            what, folders = "the finished network", [self]
        elif groups:
            what = f"the finished networks of groups ({examples(groups, 3)})"
            folders = [RunFolder(self.path / group) for group in groups if group != SHARED]  # which nothing is read for
        else:
            return False
        digest = input_digest(input_path)
        if all(folder._was_asked(options, digest) for folder in folders):
            return True
        msg = (
            f"The folder {str(self.path)!r} holds {what} of another run, of other data, options or version. To put "
            "what this one gives in its place, add --overwrite; or give another folder (-o)."
        )
        raise InputError(msg)

    def _was_asked(self, options: Mapping[str, Any], digest: str) -> bool:
        """Return whether a run of this input was asked for with these options, whichever group it is of."""
        if not self.stage("config.json").exists():
            return False
        notes = self.read_notes()
        asked = notes["config"]
        of_all = {**asked, "input": {**asked.get("input", {}), "group": options["input"]["group"]}}
        return (of_all, notes["input"].get("digest"), notes.get("version")) == (options, digest, __version__)

    def groups(self) -> list[str]:
        """Return the names of the folders of groups in which a network is, sorted; of those that a run lists, if any.

        Folders of an earlier run, by another column, may stand beside them, and so may those of other runs.
        """
        found = sorted(path.parent.name for path in self.path.glob("*/edges.tsv.gz"))
        if not self.file(GROUPS).exists():
            return found
        from acyclome.io import tables

        listed = {*tables.read_tsv(self.file(GROUPS), {"folder": str})["folder"]}
        if self.file(DIFFERENTIAL).exists():
            listed.add(SHARED)
        return [name for name in found if name in listed]

    def write_stage(self, name: str, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any], *, key: str) -> None:
        """Write the result of a stage to ``stages/NAME.npz``, whole or not at all; equal content, equal bytes."""
        write_stage(self.stage(f"{name}.npz"), arrays, facts, key=key)

    def read_stage(self, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any], str]:
        """Return the arrays, the facts and the key of a finished stage."""
        return read_stage(self.stage(f"{name}.npz"))

    def has_stage(self, name: str, key: str) -> bool:
        """Return whether the stage is finished with this key. A damaged file counts as not finished, with a warning."""
        path = self.stage(f"{name}.npz")
        if not path.exists():
            return False
        try:
            return key_of(path) == key
        except InputError as error:
            logger.warning("%s The stage is run again.", error)
            return False

    def cuts(self, stage: str) -> list[int]:
        """Return the numbers of parts into which a stage was cut, as far as files tell, rising."""
        return sorted({int(path.stem.rpartition("-of-")[2]) for path in self.stage("").glob(f"{stage}-*-of-*.npz")})

    def remove_results(self) -> None:
        for name in RESULTS:
            remove(self.file(name))

    def forget_preparation(self) -> None:
        """Remove what ``prepare`` has left, and folders that are empty then, unless another stage is there."""
        if not any(self.stage("").glob("*.npz")):
            self.remove_stages()
            for directory in (self.stage(""), self.path):
                with suppress(OSError):  # which holds something else, or is not there
                    directory.rmdir()

    def remove_stages(self) -> None:
        named = [self.stage(name) for name in ("config.json", "prepared.h5", PERMUTED, CORRELATIONS)]
        for path in [*named, *self.stage("").glob("*.npz")]:
            remove(path)

    def write_network(self, network: Network) -> None:
        """Write the record of the run and the tables, edges.tsv.gz last: where it stands, the rest stands too."""
        from acyclome.io import run_tables

        self.write_run_json(network.facts)
        run_tables.write_network(self.path, network)

    def read_network(self) -> Network:
        if not os.path.exists(self.file("edges.tsv.gz")):  # noqa: PTH110 - False, too, of a name that no system takes
            raise InputError(self._no_network())
        from acyclome.io import run_tables

        facts = self.read_run_json() if self.file("run.json").exists() else {}
        return run_tables.read_network(self.path, facts)

    def write_modules(self, found: ModuleNetwork) -> None:
        """Write the tables of modules, modules.tsv last."""
        from acyclome.io import run_tables

        run_tables.write_modules(self.path, found)

    def read_modules(self) -> ModuleNetwork:
        """Return the modules of a run; an InputError says how they are learned."""
        if not self.file(MODULES[0]).exists():
            msg = f"{str(self.path)!r} holds no modules.tsv. Learn the modules first: acyclome modules {self.path}."
            raise InputError(msg if self.file("edges.tsv.gz").exists() else self._no_network())
        from acyclome.io import run_tables

        return run_tables.read_modules(self.path)

    def read_notes(self) -> dict[str, Any]:
        """Return what ``prepare`` noted: command, config, input, key and cost."""
        kinds = {"command": list, "config": dict, "input": dict, "key": str, "cost": dict}
        return read_record(self.stage("config.json"), kinds)

    def write_notes(self, notes: Mapping[str, Any]) -> None:
        write_record(self.stage("config.json"), notes)

    def write_run_json(self, facts: Mapping[str, Any]) -> None:
        write_record(self.file("run.json"), ENCODING | dict(facts))

    def read_run_json(self) -> dict[str, Any]:
        facts = read_record(self.file("run.json"), {})
        found = {name: facts.pop(name, expected) for name, expected in ENCODING.items()}
        if found != ENCODING:
            msg = (
                f"{self.file('run.json')} is {found['encoding-type']} of version {found['encoding-version']}; this "
                f"acyclome reads {' of version '.join(ENCODING.values())}. Install the one that wrote it "
                f"({facts.get('version', 'not said')}), or a later one."
            )
            raise InputError(msg)
        if name := unlike(facts, _READ_LATER):
            msg = f"{self.file('run.json')} is damaged: its entry {name!r} is of another kind. Copy it again."
            raise InputError(msg)
        return facts

    def _no_network(self) -> str:
        if os.path.isfile(self.path):  # noqa: PTH113
            return f"{str(self.path)!r} is a file; expected the folder of a run (what stood after -o)."
        if not os.path.isdir(self.path):  # noqa: PTH112
            return f"The folder {str(self.path)!r} does not exist. Give the folder of a run (what stood after -o)."
        if groups := self.groups():
            return f"{str(self.path)!r} holds one network per group. Give one of them: {examples(groups, 10)}."
        return (
            f"{str(self.path)!r} holds no edges.tsv.gz, so no run has ended there. "
            "Let the run end (acyclome run INPUT -o FOLDER --resume), or give another folder."
        )


def input_digest(path: str | os.PathLike[str]) -> str:
    """Return the blake2b digest of a file, or of the names and contents of all files of a folder, as 32 hex digits."""
    root = Path(path)
    check_path(root)
    digest = hashlib.blake2b(digest_size=16)
    files = sorted(part for part in root.rglob("*") if part.is_file()) if root.is_dir() else [root]
    for file in files:
        digest.update(os.fsencode(file.relative_to(root).as_posix()))  # a file that is renamed counts as another
        with file.open("rb") as handle:
            hashlib.file_digest(handle, lambda: digest)  # goes on with the digest that it is given
    return digest.hexdigest()
