"""What sections of the configuration are made of, and the sections of the stages; those of models are their own."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Real = Annotated[float, Field(allow_inf_nan=False)]
Several = Annotated[int, Field(ge=2)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...], Field(strict=False)]  # not strict, since YAML and JSON have lists alone
SHIPPED_REGULATORS = ("human", "mouse")  # species of whose transcription factors the package has a list
AutoOrBool = Literal["auto"] | bool


class Section(BaseModel):
    """A frozen group of options that refuses unknown names and does not convert between kinds, but for 2e3 to 2000."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _whole_numbers_have_no_decimals(cls, value: Any) -> Any:
        return int(value) if isinstance(value, float) and value.is_integer() else value  # a real option takes both


class Input(Section):
    """Which matrix of the input file is read, and which observations of it."""

    layer: str | None = None
    """Matrix to read: X, raw, or the name of a layer. Empty: the one that suits, counts before log-normalised."""
    genes_as: Literal["columns", "rows"] = "columns"
    """Where genes stand in a csv or tsv table. The wrong choice gives a network of cells."""
    gene_names: str | None = None
    """Column of the genes with their symbols, which stand beside ids in tables, reports and figures, and by which lists
    may name genes. Empty: found where ids are of Ensembl and there is such a column. none: there is none."""
    group_by: str | None = None
    """Column of the observations (cell type, tissue); one network is learned for each of its labels."""
    group: str | None = None
    """Learn only this label of group_by."""
    joint: bool = False
    """Learn the labels of group_by together: one order and shared causes, own weights, and a test of differences."""
    perturbation: str | None = None
    """Column of the observations that names the targets of interventions, joined by ;. Empty: there are none.
    Observations whose target is not among the genes are left out."""
    control: str | None = None
    """Value of perturbation where nothing was done, or several joined by ;. Empty: observations without a value are
    unperturbed; with it, those are left out."""

    @model_validator(mode="after")
    def _labels_need_a_column(self) -> Self:
        for label, column in (("group", "group_by"), ("control", "perturbation")):
            if getattr(self, label) is not None and getattr(self, column) is None:
                msg = f"{label} names a label, but {column} does not say which column has it; give both"
                raise ValueError(msg)
        return self


class Prepare(Section):
    """What happens to the matrix before a network is learned. Every step is written into run.json."""

    min_cells: int = Field(default=10, ge=0)
    """Drop genes seen in fewer observations. Rare genes cost time and give edges that no resample repeats."""
    missing: Literal["refuse", "drop-genes", "drop-observations", "impute"] = "refuse"
    """Values that are missing (NaN). drop-genes, drop-observations: leave out what has any, observations also where a
    covariate or a label to join by is missing. impute: the median of the gene; genes of more gaps than values go."""
    normalize: AutoOrBool = "auto"
    """Scale every observation to the same total. auto: only counts, genes with over 5% of them left out of the totals;
    of few genes, which totals would bind together, the depth that they have in common is taken out, if any."""
    target_sum: Positive | None = 10_000.0  # as the guides of scanpy and Seurat do
    """Total of each observation, where they are scaled to one. Empty: the median of the totals."""
    log: AutoOrBool = "auto"
    """Take log(1 + x). auto: only if the matrix holds counts. Without it a few strongly expressed genes rule."""
    n_top_genes: Several | None = None
    """Keep only this many highly variable genes, and beside them listed regulators and targets of perturbations. Empty:
    all. Genes left out can hide as common causes of those kept."""
    covariates: Names = ()
    """Columns of the observations (batch, sex) whose linear effect is taken out of all genes."""
    transform: Literal["auto", "none", "rank", "latent"] = "auto"
    """Marginal transform of each gene. rank: to normal scores, robust to outliers. latent: counts to what they tell of
    the expression behind them, with the noise of counting taken off correlations. auto: none or rank, decided by the
    data where the model has lines and Gaussian noise, none for others, whose curves and noise ranks would bend."""
    pseudobulk_by: str | None = None
    """Column (donor, sample) over whose labels observations are summed. Fewer, cleaner observations."""
    metacells: Several | None = None
    """Observations joined into one metacell. Empty: none. Less dropout, but fewer observations to learn from."""

    @model_validator(mode="after")
    def _sum_in_one_way(self) -> Self:
        if self.pseudobulk_by is not None and self.metacells is not None:
            msg = "pseudobulk_by and metacells both join observations; give one of them"
            raise ValueError(msg)
        return self


class Fit(Section):
    """The continuous relaxation (NOTEARS on the candidates) from which the order search starts."""

    relax: AutoOrBool = "auto"
    """Run the relaxation: the order search starts from its order, hill climbing keeps to it at first. auto: where it
    helps the model, which is before an order search; hill climbing does as well without. Some models have none."""
    acyclicity: Literal["series", "expm", "logdet", "polynomial", "spectral", "lowrank"] = "series"
    """Form of the acyclicity function. series: cut after `terms` terms, on sparse edges. lowrank: the same in `rank`
    dimensions, an approximation. spectral: the spectral radius. expm, logdet, polynomial: whole, to 2,000 genes."""
    terms: int = Field(default=8, ge=2, le=64)  # at 500 genes: F1 .64 with 2, .88 with 4 or 8, .90 with all
    """Terms of the series; cycles longer than this are left to the order search. Time grows with it."""
    rank: int = Field(default=64, ge=1, le=1000)
    """Dimensions of the low-rank form. Fewer are faster and see less of the cycles of three and more genes."""
    lambda1: Real = Field(default=0.05, ge=0, le=1)
    """Lasso penalty on standardised data. Larger gives fewer edges in the relaxation."""
    schedule: Literal["path", "lagrangian"] = "path"
    """How acyclicity is enforced. path: along mu, quickly. lagrangian: by multipliers as in NOTEARS, to h near zero."""
    # The last, since paths to .001 ended with cycles.
    mu: Annotated[tuple[Positive, ...], Field(strict=False, min_length=1)] = (0.1, 0.01, 0.001, 0.0003)
    """Central path: weight of the data against acyclicity, falling. Smaller values press harder for acyclicity."""
    stepper: Literal["auto", "blocks", "adam", "lbfgs"] = "auto"
    """How unknowns move. blocks: every gene's problem as a whole. adam, lbfgs: along slopes, for models without such
    solutions. auto: blocks where the model has them, else lbfgs."""
    max_steps: int = Field(default=60, ge=1, le=100_000)
    """Upper limit of steps at each mu; adam takes 20 and lbfgs 5 for each."""
    rtol: Real = Field(default=1e-3, gt=0, lt=1)
    """A mu is done when a step lowers the objective by less than this share. Smaller: closer to the minimum, slower."""
    drop_tol: Real = Field(default=1e-5, ge=0, lt=1)  # with 1e-4 weak cycles of five genes were not seen
    """Flow along a path below this is let go after its first step. Larger: faster, blind to weak long cycles."""
    w_threshold: Real = Field(default=0.1, ge=0, le=1)
    """Weight from which an edge counts when the relaxation is judged by itself. Final edges are chosen by score."""

    @model_validator(mode="after")
    def _path_falls(self) -> Self:
        if any(later >= earlier for earlier, later in zip(self.mu, self.mu[1:], strict=False)):
            msg = "mu must fall from value to value, such as [1.0, 0.1, 0.01]"
            raise ValueError(msg)
        return self


class Knowledge(Section):
    """What is known before the data are seen."""

    regulators: str | None = None
    """File with one gene a line; only these may be causes. human, mouse: the transcription factors with a known motif.
    Empty: every gene may. A good list fixes directions."""
    knowledge: str | None = None
    """Table of edges: source, target, and if you like weight, sign (+, -), kind (forbidden, required, soft, known) and
    scope (all, most, or the label of a group). A soft edge costs less by the share `weight`. docs/knowledge.md."""
    forbidden: str | None = None
    """Table of edges (source, target) that are never in the network. Every one makes the search smaller."""
    required: str | None = None
    """Table of edges (source, target) that are always in the network. Contradictions stop the run before the fit."""
    tiers: str | None = None
    """Table of genes and tiers (gene, tier: a whole number). No edge goes from a higher to a lower tier."""


class Screen(Section):
    """How the candidate causes of every gene are found. An edge that is no candidate cannot be learned."""

    forward_steps: int = Field(default=10, ge=0, le=200)  # 20 found no more true causes on hub graphs of 10,000
    """Candidates per gene by forward selection. More find weaker causes and cost time in proportion."""
    partial: int = Field(default=10, ge=0, le=200)  # 2,000 genes: .99 of all causes, .95 without these
    """Candidates per gene by shrunken partial correlation. Good on even networks, of little use around hubs."""
    shrinkage: Real = Field(default=0.05, gt=0, lt=1)
    """Share of the identity mixed into the correlations before inversion. Larger is steadier, and less direct."""
    max_candidates: int = Field(default=48, ge=1, le=1000)
    """Upper limit of candidates per gene. Time and memory grow with it. Up to 3 times as many genes: all pairs."""
    augment: bool = True
    """Search once, then offer the hubs found to every gene again. Finds the regulators that siblings stand in for."""

    @model_validator(mode="after")
    def _candidates_exist(self) -> Self:
        if self.forward_steps + self.partial == 0:
            msg = "forward_steps and partial are both 0, so no gene would have a candidate; raise one of them"
            raise ValueError(msg)
        if self.max_candidates < max(self.forward_steps, self.partial):
            msg = "max_candidates is smaller than forward_steps or partial; raise it or lower them"
            raise ValueError(msg)
        return self


class Shard(Section):
    """Overlapping shards of the network, for many workers or little memory; the order search joins them."""

    shards: int = Field(default=0, ge=0, le=100_000)
    """Shards in which the relaxation and a first search run. 0: in one. More take less memory, and see less, each."""
    shard_memory: Positive | None = None
    """GB that one shard may take, by estimate; without `shards` it says into how many to cut. Empty: no limit."""


class Score(Section):
    """How orders and edges are judged (extended BIC)."""

    noise: Literal["unequal", "equal"] = "unequal"
    """Noise variances of the genes. unequal: units do not matter. equal: only for data in true common units."""
    gamma: Real = Field(
        default=1.0, ge=0, le=10
    )  # .5 cost .05 of F1 at 10,000 genes; 0: .7 of a hub graph's edges false
    """Extra cost of an edge for the number of genes it was chosen from. 0 gives many false edges in large networks."""
    non_gaussian: bool = False
    """Let noise that is measurably not Gaussian turn edges that are reversible where noise is Gaussian. Never after a
    transform to normal scores, nor where dropout or outliers make the noise."""


class Search(Section):
    """The search of the graph: of orders for linear models, for all others hill climbing over graphs."""

    perturbations: int = Field(default=1, ge=0, le=10_000)
    """Rounds in which every gene is moved away once and the search goes on from there. More find better graphs, at more
    time. Orders of very many observations, where that hardly gains, are left sooner."""
    expanded: int = Field(default=10, ge=0, le=200)
    """Hill climbing: further candidates per gene by what their curves explain. They find causes without correlation."""
    shortlist: int = Field(default=8, ge=1, le=1000)
    """Hill climbing: candidates per gene whose addition is scored at a time. More see further, at more time."""


class Resample(Section):
    """How confidence is measured."""

    resamples: int = Field(default=20, ge=0, le=10_000)
    """Half-samples in which to see which edges return. 0: quick, no stability. 20: the usual. 100: for papers."""
    fraction: Real = Field(default=0.5, ge=0.1, le=0.95)
    """Share of the observations in each resample. Larger makes the resamples alike and stability too kind."""


class Validation(Section):
    """Checks of the network against its own data, for the page of the report that says whether to trust it."""

    checks: bool = True
    """Learn again from fewer observations, from permuted genes and without some interventions, beside baselines.
    Takes 1,000 genes and 5,000 observations at most: some seconds, with models of curves some minutes."""
