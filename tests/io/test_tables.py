"""Tables as programs, R and spreadsheets write them: genes and samples are learned from, all else is left out and said.

A table of situations, which a new one extends by a line.
"""

import gzip

import numpy as np
import pandas as pd
import pytest

from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.io.expression import inspect_expression, open_expression
from acyclome.io.strangers import are_no_genes
from acyclome.prepare import prepare

N, D = 24, 8
GENES = ["SPI1", "CEBPA", "LYZ", "GATA1", "HBB", "TAL1", "KLF1", "RUNX1"]
IDS = [f"ENSG{i:011d}" for i in range(D)]
SAMPLES = [f"sample_{i}" for i in range(N)]
C = np.random.default_rng(2).poisson(6.0, (N, D))
TURNED = pd.DataFrame(C.T, GENES, SAMPLES)  # genes in rows, as counting programs write them
UPRIGHT = TURNED.T


def with_rows(table, **rows):
    return pd.concat([table, pd.DataFrame(list(rows.values()), list(rows), table.columns)])


def with_columns(table, at=0, **columns):
    table = table.copy()
    for place, (name, values) in enumerate(columns.items()):
        table.insert(at + place, name.replace("__", " "), values)
    return table


def csv(table, **options):
    return table.to_csv(**options)


def tsv(table, **options):
    return table.to_csv(sep="\t", **{"index_label": "Geneid", **options})


NUMBERS = np.random.default_rng(3).integers(100, 9000, D)
FEATURE_COUNTS = with_columns(
    TURNED, Chr=["1;1"] * D, Start=["5;9"] * D, End=["7;12"] * D, Strand=["+;+"] * D, Length=NUMBERS
)
HTSEQ = with_rows(TURNED, **{name: C.sum(axis=1) for name in ("__no_feature", "__ambiguous", "__not_aligned")})
STAR = with_rows(TURNED, **{name: C.sum(axis=1) + i for i, name in enumerate(("N_unmapped", "N_multimapping"))})
SEURAT = with_columns(
    UPRIGHT, at=D, nCount_RNA=C.sum(axis=1), nFeature_RNA=(C > 0).sum(axis=1), percent_mt=C[:, 0] / 7.0
)
GERMAN = pd.DataFrame(C.T / 4 + 0.25, GENES, SAMPLES)

# Name of the file, its text, what --genes-as is, and words that are said.
READ = {
    "plain": ("a.tsv", tsv(TURNED), "rows", []),
    "upright": ("a.csv", csv(UPRIGHT), "columns", []),
    "htseq": ("a.tsv", tsv(HTSEQ), "rows", ["3 names are none of genes", "__no_feature"]),
    "STAR": ("a.tsv", tsv(STAR), "rows", ["N_unmapped, N_multimapping"]),
    "old htseq": (
        "a.tsv",
        tsv(TURNED.pipe(with_rows, no_feature=C[:, 0], not_aligned=C[:, 1])),
        "rows",
        ["no_feature"],
    ),
    "featureCounts": ("a.txt", "# Program:featureCounts v2.0\n" + tsv(FEATURE_COUNTS), "rows", ["Chr, Start, End"]),
    "GC beside Length": ("a.tsv", tsv(with_columns(TURNED, GC=NUMBERS, Length=NUMBERS)), "rows", ["GC, Length"]),
    "GC content alone": ("a.tsv", tsv(with_columns(TURNED, GC=NUMBERS / 9e3)), "rows", ["left out", "GC"]),
    "positions at the right": (
        "a.tsv",
        tsv(with_columns(TURNED, at=N, type=["coding"] * D, start=NUMBERS, end=NUMBERS + 9)),
        "rows",
        ["type, start, end"],
    ),
    "GCT": (
        "a.gct",
        f"#1.2\n{D}\t{N}\n" + tsv(with_columns(TURNED, Description=["na"] * D), index_label="Name"),
        "rows",
        ["Description"],
    ),
    "a header after #": ("a.tsv", "#" + tsv(TURNED), "rows", []),
    "names beside ids": (
        "a.csv",
        csv(with_columns(TURNED.set_axis(IDS), gene_name=GENES), index_label="gene_id"),
        "rows",
        ["gene_name"],
    ),
    "row numbers before names": (
        "a.csv",
        csv(with_columns(TURNED, gene=GENES).reset_index(drop=True), index=True),
        "rows",
        [],
    ),
    "row numbers of R": ("a.csv", csv(UPRIGHT.set_axis(range(1, N + 1)), index_label="X"), "columns", ["they count"]),
    "row numbers twice": (
        "a.csv",
        csv(with_columns(UPRIGHT, **{"Unnamed: 0": range(N)}).reset_index(drop=True)),
        "columns",
        ["Unnamed: 0"],
    ),
    "totals of genes": ("a.csv", csv(with_columns(UPRIGHT, at=D, Total=C.sum(axis=1))), "columns", ["Total"]),
    "totals of samples": (
        "a.tsv",
        tsv(with_columns(TURNED, at=N, Sum=C.sum(axis=0), Mean=C.mean(axis=0))),
        "rows",
        ["Sum, Mean"],
    ),
    "a sum of another name": ("a.csv", csv(with_columns(UPRIGHT, at=D, ALL=C.sum(axis=1))), "columns", ["sum of all"]),
    "columns of Seurat": ("a.csv", csv(SEURAT), "columns", ["nCount_RNA, nFeature_RNA, percent_mt"]),
    "results of a test": (
        "a.csv",
        csv(with_columns(TURNED, at=N, logFC=C[0] / 3, FDR=C[1] / 99)),
        "rows",
        ["logFC, FDR"],
    ),
    "empty columns and lines": (
        "a.csv",
        "\n".join(f"{line},," for line in csv(UPRIGHT).strip().splitlines()) + "\n" + "," * (D + 2) + "\n",
        "columns",
        ["empty"],
    ),
    "blanks around names": (
        "a.csv",
        csv(UPRIGHT).replace("SPI1,", " SPI1 ,").replace("sample_3,", "sample_3 ,"),
        "columns",
        [],
    ),
    "windows": ("a.csv", "\ufeff" + csv(UPRIGHT, lineterminator="\r\n"), "columns", []),
    "semicolons": ("a.csv", csv(UPRIGHT, sep=";"), "columns", []),
    "tabs in a csv": ("a.csv", csv(UPRIGHT, sep="\t"), "columns", []),
    "blanks in a tsv": ("a.tsv", csv(UPRIGHT, sep=" "), "columns", []),
    "quoted": ("a.csv", csv(UPRIGHT, quoting=2), "columns", []),
    "a gene without a name": ("a.csv", csv(with_columns(UPRIGHT, at=D, **{"": C[:, 0] + 1})), "columns", ["(no name)"]),
}


@pytest.mark.parametrize("is_zipped", [False, True])
@pytest.mark.parametrize("case", READ)
def test_genes_and_samples_are_learned_from_and_nothing_else(case, is_zipped, tmp_path):
    name, text, genes_as, said = READ[case]
    path = tmp_path / (f"{name}.gz" if is_zipped else name)
    path.write_bytes(gzip.compress(text.encode()) if is_zipped else text.encode())
    prepared = prepare(
        open_expression(path, genes_as), Config(prepare={"normalize": False, "log": False, "transform": "none"})
    )
    np.testing.assert_array_equal(prepared.X.T, C)
    assert prepared.genes == (TURNED.index.tolist() if case != "names beside ids" else IDS)
    numbered = case.startswith("row numbers") and genes_as == "columns"
    assert numbered or prepared.observations == SAMPLES
    told = " ".join(prepared.facts["warnings"])
    assert [words for words in said if words not in told] == []
    assert said or not prepared.facts["warnings"]
    assert prepared.facts["kind"] == "counts"


@pytest.mark.parametrize("names", [["GC"], ["start", "mid", "end"], ["type", "width"], ["name", "locus", "product"]])
def test_samples_that_are_called_like_annotations_stay(names, tmp_path):
    turned = TURNED.rename(columns=dict(zip(SAMPLES, names, strict=False)))
    (tmp_path / "a.tsv").write_text(tsv(with_columns(turned, Length=NUMBERS) if names == ["GC"] else turned))
    if names == ["GC"]:  # Length stands before it: only what lies beyond a sample is surely one
        (tmp_path / "a.tsv").write_text(tsv(with_columns(turned[[*SAMPLES[1:5], "GC", *SAMPLES[5:]]], Length=NUMBERS)))
    adata = open_expression(tmp_path / "a.tsv", "rows")
    assert set(names) <= set(adata.obs_names)
    assert adata.n_obs == N
    assert "read as observations" in " ".join(adata.uns["acyclome_notes"])


def test_decimal_commas_are_read_and_said(tmp_path):
    for name, mark in (("a.csv", ";"), ("a.tsv", "\t")):
        GERMAN.T.to_csv(tmp_path / name, sep=mark, decimal=",")
        adata = open_expression(tmp_path / name)
        np.testing.assert_allclose(adata.X, GERMAN.T.to_numpy())
        assert "comma were read as decimals" in inspect_expression(tmp_path / name).warnings[0]


# Name of the file, its text, and words of the refusal.
REFUSED = {
    "thousands or decimals": ("a.tsv", tsv(UPRIGHT.map(lambda x: f"{x},000")), ["000' can be a thousand"]),
    "thousands in quotes": (
        "a.csv",
        csv(UPRIGHT.map(lambda x: f"1,00{x % 10}")),
        ["'1,00", "thousands without a mark"],
    ),
    "text of R": ("a.csv", csv(UPRIGHT).replace("sample_3,", "sample_3,high", 1), ["'high", "'sample_3'"]),
    "an error of a sheet": ("a.csv", csv(UPRIGHT.astype(str).replace("6", "#DIV/0!")), ["#DIV/0!"]),
    "cell types": ("a.csv", csv(with_columns(UPRIGHT, type=["B", "T"] * 12)), ["'B'", "type", "obs"]),
    "underscores": ("a.csv", csv(UPRIGHT).replace("sample_3,", "sample_3,1_", 1), ["'1_"]),
    "thousands and decimals": ("a.csv", csv(GERMAN.T, sep=";", decimal=",").replace("1,", "1.001,", 1), ["'1.001,"]),
    "too large": ("a.csv", csv(with_columns(UPRIGHT, HUGE=[1e300, *[1.0] * (N - 1)])), ["1e+300", "sample_0", "HUGE"]),
    "ten thousand digits": ("a.csv", csv(with_columns(UPRIGHT, HUGE=["9" * 10_000, *["1"] * (N - 1)])), ["HUGE"]),
    "two headers": ("a.csv", csv(with_rows(UPRIGHT.astype(str), unit=["tpm"] * D)), ["'tpm'", "'unit'"]),
    "fewer names than columns": (
        "a.csv",
        ",".join(GENES[:-1]) + "\n" + csv(UPRIGHT, header=False, index=False),
        ["names 7 columns, the lines hold 8"],
    ),
    "featureCounts the other way": ("a.txt", tsv(FEATURE_COUNTS), ["transposed", "--genes-as rows"]),
    "dates given twice": ("a.csv", csv(UPRIGHT.set_axis(["1-Mar", "1-Mar", *GENES[2:]], axis=1)), ["spreadsheets"]),
    "UTF-16": ("a.txt", "\xff\xfe" + csv(UPRIGHT), ["UTF-16", "UTF-8"]),
    "pipes between": ("a.csv", csv(UPRIGHT, sep="|"), ["0 genes"]),
    "a web page": ("a.tsv", "<html>\n<body>\n</body>\n", ["web page"]),
    "a spreadsheet": ("a.csv", "PK\x03\x04\x14\n\xff\n", ["spreadsheet"]),
    "a matrix market file": ("a.txt", "%%MatrixMarket matrix coordinate\n3 3 1\n1 1 1\n", ["Matrix Market"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_table_that_is_none_is_refused_with_its_cause(case, tmp_path):
    name, text, said = REFUSED[case]
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        prepare(open_expression(tmp_path / name))
    assert [words for words in said if words not in str(caught.value)] == []
    assert len(str(caught.value)) < 900


NAMES = {
    "dates": (
        ["1-Mar", "2-Sep", "Sep-02", "2001-03-01", "1/3/2006", "01. Mrz", "2.31E+13", "MYC"],
        "7 genes are named like dates",
    ),
    "numbers": ([str(i) for i in range(8)], "numbers that count up (0, 1, 2 and 5 more)"),
    "numbers of a part": (["2", "3", "7", "19", "20", "33", "37", "40"], "their names are lost"),
    "spike-ins": ([f"ERCC-000{i:02d}" for i in range(8)], "8 names are of ERCC spike-ins; they stay"),
    "days": (["43891", "43892", *GENES[2:]], "2 genes are named like dates"),
    "copies": (["SPI1", "SPI1.1", "LYZ", "LYZ-2", "HBB", "TAL1", "NKX2-1", "MT-CO1"], "2 genes are named like copies"),
    "symbols": (GENES, ""),
    "two genomes": ([f"{'GRCh38_' if i % 2 else 'mm10___'}{gene}" for i, gene in enumerate(GENES)], "several genomes"),
    "identifiers of Entrez": (["7157", "672", "4609", "1017", "1956", "3845", "5728", "207"], ""),
}


@pytest.mark.parametrize("case", NAMES)
def test_odd_names_stay_and_are_said(case, tmp_path):
    genes, said = NAMES[case]
    UPRIGHT.set_axis(genes, axis=1).to_csv(tmp_path / "a.csv")
    assert prepare(open_expression(tmp_path / "a.csv")).genes == genes
    told = " ".join(inspect_expression(tmp_path / "a.csv").warnings)
    assert said in told
    assert said or not told


def test_cells_that_are_repeated_are_said(tmp_path):
    twice = pd.concat([UPRIGHT, UPRIGHT.iloc[:3]])
    wide = pd.concat([twice, twice.set_axis([f"{gene}L" for gene in GENES], axis=1) + 1], axis=1)
    wide = pd.concat([wide, wide.set_axis([f"{gene}B" for gene in wide], axis=1) + 2], axis=1)
    wide.to_csv(tmp_path / "a.csv")
    told = " ".join(prepare(open_expression(tmp_path / "a.csv")).facts["warnings"])
    assert "3 names of observations occur more than once (sample_0, sample_1, sample_2)" in told
    assert "3 observations have all values of another one (sample_0, sample_1, sample_2)" in told


def test_genes_of_all_organisms_are_genes():
    names = ["TOTA1", "SUMO1", "CLUL1", "BATF", "PC", "PCNA", "UMPS", "NCOA1", "nan", "NFEA", "mask", "Adj1", "PERC1"]
    assert not any(are_no_genes(names))
