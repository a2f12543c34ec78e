"""Names that stand among those of genes and observations and are none: what programs count beside, and totals.

Told by the whole name, as programs write it. What is measured like a gene, such as ERCC spike-ins, stays and is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from acyclome.errors import examples
from acyclome.io.gene_names import are_row_numbers, kind_of_names, repeated
from acyclome.wording import plural

if TYPE_CHECKING:
    import pandas as pd

# As htseq-count, STAR, featureCounts and samtools write them.
_SUMMARY = re.compile(r"__\w+|N_(unmapped|multimapping|noFeature|ambiguous)|(Unassigned|Assigned)(_\w+)?|\*")
# Without marks and case: of htseq-count before 0.6; totals; what Seurat and scanpy note of cells; groups, coordinates.
_NO_GENE = re.compile(
    r"nofeature|ambiguous|toolowaqual|notaligned|alignmentnotunique|unmapped|multimapp(ed|ing)"
    r"|(grand)?totals?(reads?|umis?)?|(row|col)?sums?|lib(rary)?size|sizefactors?"
    r"|(log1p)?(ncount|nfeature|ngene|numi|totalcount|pctcount|percent(mt|mito|ribo|rb|hb)|pct(mt|mito|ribo))\w*"
    r"|ncells?|(predicted)?doublets?(scores?)?|sscore|g2mscore|leiden|louvain|(seurat)?clusters?(id)?|(dpt)?pseudotime"
    r"|batch(id)?|(umap|tsne)\d"
)
_NO_OBSERVATION = re.compile(
    r"(grand)?totals?(counts?|reads?)?|(row|gene)?(sums?|means?|averages?|medians?)|std(ev|dev)?"
    r"|logfc|log2foldchange|logcpm|basemean|lfcse|pvals?|pvalues?|p?adj(usted)?p?|adjpval(ue)?|fdr|qval(ue)?"
)
# Headers of featureCounts, RSEM, salmon, kallisto, biomaRt and GCT beside those of the samples.
_ANNOTATION = re.compile(
    r"chr(om(osome)?)?(name)?|seqnames?|(gene)?(start|end)(position|bp)+|strand|(gene|transcript|eff(ective)?)?length"
    r"|(gene|transcript)(bio)?type|biotype|description|(gene)?(symbol|id)s?|genenames?|externalgenename|hgnc(symbol|id)?"
    r"|ensembl(gene)?(id)?|entrez(gene)?(id)?|transcriptids?|targetid|accession|(percent(age)?)?gc(content|percent)"
    r"|featuretype|goterms?"
)
_MAYBE_ANNOTATION = re.compile(r"start|end|type|gc|names?|width|exons?|locus|product")  # which samples are called too
_MONTHS = r"(Jan|Feb|M[aä]r|Mrz|Apr|Ma[yi]|Jun|Jul|Aug|Sept?|O[ck]t|Nov|De[cz])"
# What spreadsheets make of MARCH1, SEPT2, DEC1, OCT4 and of 2310009E13.
_DATE = re.compile(
    rf"\d{{1,4}}[-. ]+{_MONTHS}|{_MONTHS}[-. ]+\d{{1,4}}|\d{{4}}-\d\d-\d\d( [\d:.]+)?"
    r"|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}|\d\.\d+E\+\d\d",
    re.IGNORECASE,
)
# Without marks and case, what 10x and muon call features that are no genes, in the column that says what each is.
_NO_EXPRESSION = re.compile(
    r"antibodycapture|antibod(y|ies)|proteins?|adts?|htos?|surfaceproteins?|(crispr)?guide(rna)?capture|guidernas?"
    r"|multiplexingcapture|cellmultiplexingoligos?|antigencapture|custom|peaks?|chromatinaccessibility"
)
_KIND_COLUMNS = ("feature_types", "feature_type", "modality")
_DAY = re.compile(r"3[6-9]\d{3}|4\d{4}")  # dates from 1998 to 2036 as spreadsheets count them, from 1900 on
_FORMULA = re.compile(r"[=+@\t\r]|-(?!\d)")  # as spreadsheets tell them, by the first letter
# As Cell Ranger puts genomes before names.
GENOME = re.compile(r"(GRCh3[78]|hg(?:19|38)|GRCm3[89]|mm(?:9|10|39)|GRCz1[01]|BDGP6|dm6|rn[67])_+(?=\w)")
_COPY = re.compile(r"(.+)[.-]\d{1,2}")
_SPIKE_IN = re.compile(r"ERCC-\d{5}")


def are_no_genes(names: Sequence[str]) -> list[bool]:
    """Return which names are none of genes: summaries of programs, totals, columns of cells, no name at all."""
    return [not name.strip() or bool(_SUMMARY.fullmatch(name) or _NO_GENE.fullmatch(_bare(name))) for name in names]


def other_features(var: pd.DataFrame) -> list[str]:
    """Return the kind of each row of var that is no gene by it, empty for genes; no kinds where no rows are genes."""
    for column in _KIND_COLUMNS:
        kinds = var[column].astype(object).map(str).tolist() if column in var else []
        others = [kind if _NO_EXPRESSION.fullmatch(_bare(kind)) else "" for kind in kinds]
        if any(others) and not all(others):
            return others
    return [""] * len(var)


def other_features_left_out(names: Sequence[str], kinds: Sequence[str]) -> str:
    """Return a note on features that are no genes by their kind, or nothing."""
    gone = [name for name, kind in zip(names, kinds, strict=True) if kind]
    what = examples(sorted({kind for kind in kinds if kind}))
    return f"{plural(len(gone), 'feature|s is|are no gene|s')} but {what}, left out: {examples(gone)}." if gone else ""


def is_no_observation(name: str) -> bool:
    """Return whether the name of an observation is that of a sum, a mean, or a result of a test."""
    return _NO_OBSERVATION.fullmatch(_bare(name)) is not None


def annotates_genes(header: str) -> bool:
    """Return whether a column beside those of the samples says where a gene lies, how long it is, what it is called."""
    return _ANNOTATION.fullmatch(_bare(header)) is not None


def may_annotate_genes(header: str) -> bool:
    """Return whether a header is one of annotations or of a sample: time points are called start and end."""
    return _MAYBE_ANNOTATION.fullmatch(_bare(header)) is not None


def left_out(names: Sequence[str]) -> str:
    """Return a note on names that are none of genes and so are left out, or nothing."""
    gone = [name or "(no name)" for name, is_none in zip(names, are_no_genes(names), strict=True) if is_none]
    if not gone:
        return ""
    return f"{plural(len(gone), 'name|s is|are none of genes, and')} left out: {examples(gone)}."


def say_changed(genes: Sequence[str]) -> str:
    """Return a note on names that a spreadsheet has changed, or nothing."""
    changed = [gene for gene in genes if _DATE.fullmatch(gene)]
    if kind_of_names(genes) == "symbol":  # of which none is a number, unlike identifiers of Entrez
        changed += [gene for gene in genes if _DAY.fullmatch(gene)]
    if not changed:
        return ""
    return (
        f"{plural(len(changed), 'gene|s is|are named like dates or rounded numbers')} ({examples(changed)}), as "
        "spreadsheets change MARCH1, SEPT2 or 2310009E13: take names from where they were right."
    )


def look_at_names(observations: Sequence[str], genes: Sequence[str]) -> list[str]:
    """Return what is odd about names, and stays."""
    doubts = []
    changed = say_changed(genes)
    if changed:
        doubts.append(changed)
    known = set(genes)
    copies = [gene for gene in genes if (made := _COPY.fullmatch(gene)) and made[1] in known]
    if copies:
        doubts.append(
            f"{plural(len(copies), 'gene|s is|are named like copies of others')} ({examples(copies)}), as pandas, R "
            "and anndata name what is repeated: a gene and its copy explain one another."
        )
    formulas = [gene for gene in genes if _FORMULA.match(gene)]
    if formulas:
        doubts.append(
            f"{plural(len(formulas), 'gene|s is|are named like formulas')} ({examples(formulas)}), which spreadsheets "
            "would run: import tables of the results as text there."
        )
    genomes = Counter(made[1] for gene in genes if (made := GENOME.match(gene)))
    if len(genomes) > 1:
        doubts.append(
            f"Genes are of several genomes ({examples(list(genomes))}), as of a mixture of species: cells of one lack "
            "the genes of the other, which joins all of these. Learn one species, from its cells and genes."
        )
    spikes = sum(_SPIKE_IN.fullmatch(gene) is not None for gene in genes)
    if spikes:
        doubts.append(f"{spikes} names are of ERCC spike-ins; they stay, as they are measured like genes.")
    if are_row_numbers(genes):
        doubts.append(f"Genes are named by numbers that count up ({examples(genes, 3)}): their names are lost.")
    if kind_of_names(observations) == "symbol" and kind_of_names(genes) == "other":
        doubts.append(f"The observations are named like genes ({examples(observations)}): is the matrix transposed?")
    several = repeated(observations)
    if several:
        doubts.append(
            f"{plural(len(several), 'name|s of observations occurs|occur')} more than once ({examples(several)}): "
            "cells read twice, or runs joined without a mark of their own. Each is used as an observation of its own."
        )
    return doubts


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
