"""Every figure looks as its reference does, which somebody has looked at.

``python -m tests.pl.test_references`` draws the references anew, after a change that is meant; then look at them.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pytest
from tests.examples import draw

import acyclome as ac

mpl.use("Agg")
REFERENCES = Path(__file__).parent / "references"
DRAWN_WITH = "3.11"  # the version of matplotlib; others set their texts a little elsewhere
DPI, FAR = 60, 6.0  # root mean square of grey levels: 0 with the pinned versions, with room for other fonts
FIGURES = {
    "comparison": ("types", ("CD14 Mono", "CD16 Mono")),
    "convergence": ("dag", ()),
    "edge_stability": ("dag", ()),
    "embedding": ("dag", ("SPI1",)),
    "hierarchy": ("dag", ()),
    "neighborhood": ("dag", ("SPI1",)),
    "prediction": ("dag", (["SPI1", "GATA1"],)),
    "top_regulators": ("dag", ()),
}


def learned():
    adata, options = draw(), {"layer": "counts", "regulators": "human", "n_resamples": 4}
    ac.tl.dag(adata, **options)
    ac.tl.dag(adata, groupby="cell_type", joint=True, key_added="types", **options)
    return adata


def save(adata, name, path):
    import matplotlib.pyplot as plt

    key, given = FIGURES[name]
    with mpl.rc_context(mpl.rcParamsDefault | {"backend": "Agg"}):
        axes = getattr(ac.pl, name)(adata, *given, key=key)
        axes.figure.savefig(path, dpi=DPI, metadata={"Software": None})
    plt.close("all")


@pytest.fixture(scope="module")
def adata():
    return learned()


@pytest.mark.skipif(
    not mpl.__version__.startswith(DRAWN_WITH), reason=f"references are drawn by matplotlib {DRAWN_WITH}, others differ"
)
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_looks_as_its_reference(name, adata, tmp_path):
    from matplotlib.testing.compare import compare_images

    save(adata, name, tmp_path / f"{name}.png")
    assert compare_images(REFERENCES / f"{name}.png", tmp_path / f"{name}.png", FAR) is None


if __name__ == "__main__":
    cells = learned()
    for figure in FIGURES:
        save(cells, figure, REFERENCES / f"{figure}.png")
