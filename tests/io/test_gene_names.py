"""What names tell, of few of them and of very many."""

from acyclome.io.gene_names import kind_of_names, lies_on_its_side

CELLS = [f"ACGTACGTACGTACGT-{k}" for k in range(30_000)]
GENES = [f"ENSG{k:011d}" for k in range(30_000)]


def test_of_very_many_names_some_are_looked_at_all_along():
    assert kind_of_names(CELLS) == "other"
    assert kind_of_names([*CELLS[:9_000], *GENES[9_000:]]) == "ensembl"
    assert kind_of_names([*GENES[:9_000], *CELLS[9_000:]]) == "other"
    assert lies_on_its_side(GENES, CELLS)
    assert not lies_on_its_side(CELLS, GENES)


def test_some_genes_that_everybody_knows_tell_a_list_of_genes_wherever_they_stand():
    mostly = [f"x{k}" for k in range(29_000)]
    assert lies_on_its_side(["ACTB", "MYC", *mostly, "UBC", "VIM", "LYZ"], ["a", "b"])
    assert not lies_on_its_side(["ACTB", "MYC", *mostly, "UBC", "VIM"], ["a", "b"])
