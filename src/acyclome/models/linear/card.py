"""The card of model linear: lines and Gaussian noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acyclome.models.card import Ability, Cost, Model, Words

if TYPE_CHECKING:
    from acyclome.config import Config
    from acyclome.models.linear.local_score import LeastSquares
    from acyclome.models.linear.relaxation import Linear

RELAX = 1.2e7  # multiplications of the relaxation per gene: .6 ms of one core in runs of 1,000 to 10,000 genes


def structural_model(config: Config) -> LeastSquares:
    """Return least squares."""
    from acyclome.models.linear.local_score import LeastSquares

    return LeastSquares()


def relaxation(config: Config) -> Linear:
    """Return the NOTEARS problem; blocks are solved to the last digit that steps of the path can see."""
    from acyclome.models.linear.relaxation import Linear

    return Linear(config.fit.lambda1, sweeps=100, tol=1e-6, equal_noise=config.score.noise == "equal")


def words(config: Config) -> Words:
    """Return the words on lines whose noise is Gaussian, or turns edges within the Markov class."""
    reads = config.score.non_gaussian
    return Words(
        model="a linear structural equation model",
        score=criterion(config),
        directions=f"Markov equivalence{' where noise could be Gaussian' if reads else ''}; [@chickering1995]",
        relaxation="NOTEARS problem ([@zheng2018])",
        noise=noise("among edges that this leaves reversible") if reads else "",
    )


def criterion(config: Config) -> str:
    """Return what orders are judged by."""
    equal = "equal noise variances ([@peters2014equal])"
    variances = equal if config.score.noise == "equal" else "gene-wise noise variances"
    return f"the extended Bayesian information criterion ([@chen2008]; gamma = {config.score.gamma:g}) with {variances}"


def noise(where: str) -> str:
    """Return the sentence on noise that is not Gaussian."""
    return (
        f"Noise that was measurably not Gaussian counted {where} with its own likelihood, from an approximation of "
        "its entropy ([@hyvarinen1998]), and so identified directions ([@shimizu2006])."
    )


def cost(config: Config, n_genes: Any, n_obs: int) -> Cost:
    """Return what the relaxation takes; the order search is part of every estimate."""
    import numpy as np

    k = np.minimum(config.screen.max_candidates, n_genes)
    return Cost(on_device=least_squares_on_device(config, n_genes, k), relax=RELAX * n_genes)


def least_squares_on_device(config: Config, n_genes: Any, width: Any) -> Any:
    """Return the bytes of least squares on so many terms of candidates a gene, on a device in float32.

    Blocks, their places and powers, the flow, and a dozen whole matrices for the forms of acyclicity that need them.
    """
    from acyclome.core.acyclicity.flow import FLOW_VALUES

    whole = 0.0 if config.fit.acyclicity == "series" else 48.0 * n_genes**2
    return 32.0 * n_genes * width * width + 80.0 * n_genes * width + 16.0 * FLOW_VALUES + whole


LINEAR = Model(
    name="linear",
    summary="lines and Gaussian noise; thousands of genes in seconds",
    search="order_search",
    abilities=frozenset(Ability),
    words=words,
    cost=cost,
    structural_model=structural_model,
    relaxation=relaxation,
    relaxes_by_default=True,
    may_rank=True,
)
