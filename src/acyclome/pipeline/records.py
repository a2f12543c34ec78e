"""What the stages of a run leave behind: typed records of arrays and facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Self

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.confounders import Deconfounding
from acyclome.core.shards import Plan
from acyclome.errors import InputError
from acyclome.io.kinds import unlike
from acyclome.network.feedback import RECORDED
from acyclome.pipeline.keys import Stage

# Arrays of positions: of genes (a shard has no more of them), and of what is counted from 0.
GENES = frozenset({"parent", "source", "target", "gene", "genes", "owner", "order", "start", "regulators"})
COUNTED = frozenset({"indptr", "edge", "member"})
ORDERS = frozenset({"order", "start"})
NOT_NEGATIVE = frozenset({"residual", "scale"})


@dataclass(frozen=True, kw_only=True)
class Record:
    """Arrays, each a field, and facts that go into ``run.json``; ``warnings`` among them are for the user."""

    stage: ClassVar[Stage]
    # The axes of every array: those of one name are equally long, and `d` is the number of genes.
    axes: ClassVar[Mapping[str, str]] = {}
    needs: ClassVar[Mapping[str, Any]] = {}  # facts that others read, and what they are, as in io.kinds
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def checked(cls, arrays: Mapping[str, np.ndarray], facts: dict[str, Any], *, n_genes: int) -> Self:
        """Return the record of a file; an InputError says if its arrays or facts are not those of the stage.

        Compiled code reads where positions point, so one that lies outside would be memory of others.
        """
        wrong = cls._misfit(arrays, n_genes)
        problem = (
            f"its array {wrong!r} is missing, unknown, not as long as others, or points beyond the {n_genes} genes"
        )
        if not wrong and (name := unlike(facts, {"cost?": {}, "warnings?": [str], **cls.needs})):
            problem = f"its fact {name!r} is missing or of another kind"
        elif not wrong:
            return cls(**arrays, facts=facts)
        msg = f"The result of the stage {cls.stage} cannot be used: {problem}. Run `acyclome {cls.stage}` again."
        raise InputError(msg)

    @classmethod
    def _misfit(cls, arrays: Mapping[str, np.ndarray], n_genes: int) -> str:
        """Return the name of an array that is not one of the stage, or nothing."""
        known = {one.name for one in fields(cls)} - {"facts"}
        needed = {one.name for one in fields(cls) if one.default is MISSING} & known
        sizes = {"d": n_genes, "d+1": n_genes + 1}
        for name in sorted(arrays.keys() | needed):
            if name not in known or name not in arrays:
                return name
            axes, values = cls.axes[name].split(), arrays[name]
            if values.ndim != len(axes) or any(
                sizes.setdefault(axis, size) != size for axis, size in zip(axes, values.shape, strict=True)
            ):
                return name
            if not _points_inside(name, values, n_genes):
                return name
        if "indptr" in arrays:
            first, last = arrays["indptr"][[0, -1]].tolist() if len(arrays["indptr"]) else (0, -1)
            ends = len(arrays["parent" if "parent" in arrays else "genes"])
            if (first, last) != (0, ends) or np.any(np.diff(arrays["indptr"].astype(np.int64)) < 0):
                return "indptr"
        return ""

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name; those that do not apply are left out."""
        each = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "facts"}
        return {name: values for name, values in each.items() if values is not None}


@dataclass(frozen=True, kw_only=True)
class Confounded(Record):
    """What is taken out, the ``method`` in the facts: scores ``(r, n)`` and loadings ``(d, r)`` of factors.

    ``activity`` ``(k, n)`` of ``regulators`` ``(k,)`` takes the place of their expression.  ``indptr`` and ``parent``
    are candidate edges, as in :class:`Screened`, where hidden causes were looked for and none is taken out.
    """

    stage = Stage.CONFOUNDING
    axes: ClassVar[Mapping[str, str]] = {
        **{"scores": "r n", "loadings": "d r", "regulators": "k", "activity": "k n"},
        **{"indptr": "d+1", "parent": "nnz"},
    }
    needs: ClassVar[Mapping[str, Any]] = {"method": str}
    scores: np.ndarray
    loadings: np.ndarray
    regulators: np.ndarray
    activity: np.ndarray
    indptr: np.ndarray | None = None
    parent: np.ndarray | None = None

    @property
    def deconfounding(self) -> Deconfounding:
        return Deconfounding(self.scores, self.facts["method"] == "trim", self.regulators, self.activity)

    @property
    def candidates(self) -> Candidates | None:
        """What the screening finds among lines, if it is known already."""
        return None if self.indptr is None or self.parent is None else Candidates(self.indptr, self.parent)


@dataclass(frozen=True, kw_only=True)
class Chosen(Record):
    """The model that the data choose, in the facts: its ``name``, what was ``compared``, and what was ``refused``."""

    stage = Stage.CHOOSE
    needs: ClassVar[Mapping[str, Any]] = {"name": str}

    @property
    def model(self) -> str:
        return str(self.facts["name"])


@dataclass(frozen=True, kw_only=True)
class Screened(Record):
    """Candidate edges, CSR by target: ``indptr`` ``(d + 1,)``, ``parent`` ``(nnz,)``."""

    stage = Stage.SCREEN
    axes: ClassVar[Mapping[str, str]] = {"indptr": "d+1", "parent": "nnz"}
    indptr: np.ndarray
    parent: np.ndarray

    @property
    def candidates(self) -> Candidates:
        return Candidates(self.indptr, self.parent)


@dataclass(frozen=True, kw_only=True)
class Sharded(Record):
    """The fields of a :class:`acyclome.core.shards.Plan`."""

    stage = Stage.SHARD
    axes: ClassVar[Mapping[str, str]] = {"owner": "d", "indptr": "s", "genes": "g"}
    owner: np.ndarray
    indptr: np.ndarray
    genes: np.ndarray

    @property
    def plan(self) -> Plan:
        return Plan(self.owner, self.indptr, self.genes)


@dataclass(frozen=True, kw_only=True)
class Relaxed(Record):
    """An order to start from, ``(d,)``, and the weights of the relaxation ``(nnz,)``, where one ran."""

    stage = Stage.FIT
    axes: ClassVar[Mapping[str, str]] = {"start": "d", "W": "nnz"}
    start: np.ndarray
    W: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class RelaxedShards(Record):
    """What some shards found for the genes that they own."""

    stage = Stage.FIT
    axes: ClassVar[Mapping[str, str]] = {
        "gene": "g",
        "position": "g",
        "edge": "e",
        "W": "e",
        "source": "m",
        "target": "m",
        "loss": "m",
    }
    needs: ClassVar[Mapping[str, Any]] = {"members": [int], "fits": [{}]}
    gene: np.ndarray  # (g,) owned
    position: np.ndarray  # (g,) of each in the order of its shard, from 0 to 1, for shards are of different sizes
    edge: np.ndarray  # (e,) positions among all candidates
    W: np.ndarray  # (e,) weights of the relaxation there
    source: np.ndarray  # (m,) of edges of the first searches
    target: np.ndarray
    loss: np.ndarray  # (m,) log-likelihood that each carries

    @classmethod
    def joined(cls, parts: Sequence[Self], facts: dict[str, Any]) -> Self:
        """Lay the arrays of all parts one after the other."""
        return cls(**_concatenated(parts, [one.name for one in fields(cls) if one.name != "facts"]), facts=facts)


@dataclass(frozen=True, kw_only=True)
class Ordered(Record):
    """The network of the search."""

    stage = Stage.ORDER
    axes: ClassVar[Mapping[str, str]] = {
        **{"indptr": "d+1", "parent": "nnz", "order": "d", "residual": "d", "scale": "d", "lowest": "d"},
        **dict.fromkeys(
            ("source", "target", "weight", "loss", "reversal_loss", "compelled", "oriented_by_intervention"), "m"
        ),
        **dict.fromkeys(("arrow", "noise_evidence"), "m"),
    }
    needs: ClassVar[Mapping[str, Any]] = {
        "sortability": {"var_sortability": float},
        "relaxation?": {"warnings?": [str]},
        "effects?": [{"target": str, "observations": int, "shift": float, "p": float, "firm": bool}],
        "feedback?": RECORDED,
    }
    indptr: np.ndarray  # with the next, the final candidates, CSR by target
    parent: np.ndarray
    source: np.ndarray  # from here to residual as of a core.data.search_result.SearchResult
    target: np.ndarray
    weight: np.ndarray
    loss: np.ndarray
    order: np.ndarray
    residual: np.ndarray
    reversal_loss: np.ndarray  # (m,) log-likelihood lost by turning each edge
    compelled: np.ndarray  # (m,) whether it points this way in all of the class
    oriented_by_intervention: np.ndarray  # (m,) whether an intervention decides
    arrow: np.ndarray  # (m,) how probable the direction is
    scale: np.ndarray  # (d,) standard deviation of every gene
    lowest: np.ndarray  # (d,) where a knock-out puts it
    noise_evidence: np.ndarray | None = None  # (m,) nats by which the shape of the noise speaks for the direction

    @property
    def candidates(self) -> Candidates:
        return Candidates(self.indptr, self.parent)


@dataclass(frozen=True, kw_only=True)
class Resampled(Record):
    """Edges of the networks of some resamples, ``(m,)`` each, and the number of the resample of each edge."""

    stage = Stage.RESAMPLE
    axes: ClassVar[Mapping[str, str]] = dict.fromkeys(("source", "target", "loss", "weight", "member"), "m")
    needs: ClassVar[Mapping[str, Any]] = {"members": [int], "edges": [int]}
    source: np.ndarray
    target: np.ndarray
    loss: np.ndarray
    weight: np.ndarray
    member: np.ndarray

    @property
    def numbers(self) -> list[int]:
        return list(self.facts["members"])

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Put all parts together, in the order of the resamples, in however many parts they were learned."""
        each = _concatenated(parts, ["source", "target", "loss", "weight", "member"])
        line = np.argsort(each["member"], kind="stable")
        numbers = sorted(number for part in parts for number in part.numbers)
        edges = [int(np.count_nonzero(each["member"] == number)) for number in numbers]
        return cls(**{name: values[line] for name, values in each.items()}, facts={"members": numbers, "edges": edges})


@dataclass(frozen=True, kw_only=True)
class HeldOut(Record):
    """Total effects ``(k, d)`` of targets by networks that were learned without the observations that act on them."""

    stage = Stage.HELD_OUT
    gene: np.ndarray  # (k,)
    effect: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Validated(Record):
    """What speaks for and against the network, all of it facts."""

    stage = Stage.VALIDATION


def _points_inside(name: str, values: np.ndarray, n_genes: int) -> bool:
    """Return whether an array has numbers, and, if they are positions, none that lies outside; an order has each."""
    if name in ORDERS and (values.dtype.kind not in "iu" or not np.array_equal(np.sort(values), np.arange(n_genes))):
        return False
    highest = n_genes - 1 if name in GENES else np.inf
    if name in NOT_NEGATIVE and not (values.dtype.kind == "f" and np.all(values >= 0)):
        return False
    if name not in GENES | COUNTED:
        return values.dtype.kind in "fiub"
    return values.dtype.kind in "iu" and bool(np.all((values >= 0) & (values <= highest)))


def _concatenated(parts: Sequence[Record], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Concatenate arrays of all parts but those without an entry, whose types say nothing."""
    full = [part for part in parts if part.facts["members"]]
    return {name: np.concatenate([getattr(part, name) for part in full] or [np.empty(0, int)]) for name in names}
