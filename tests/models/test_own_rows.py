"""Every model fits the equation of a gene without the observations in which it was a target, and only these."""

import numpy as np
import pytest
from family_cases import CASES, LINEAR, Case

from acyclome.core.data.interventions import LEAST_OWN, Interventions
from acyclome.models.own_rows import OwnRows

N, SEED = 300, 5
OUT = np.arange(0, 240, 6)  # observations in which gene 3 was a target
OWN = np.delete(np.arange(N), OUT)
SETS = np.array([[0, 1], [1, 2], [2, 4]])
PARENTS = np.array([1, 2])
every_model = pytest.mark.parametrize("case", [*CASES, *LINEAR], ids=str)


def drawn(case: Case, lab, **options):
    return lab.moments_of(case.draw(np.random.default_rng([80, 11]), N), **options)


def with_targets(case: Case, lab, value: float | None = None):
    """Return the same with labels, and all that was done put to one value if it is given."""
    X = case.draw(np.random.default_rng([80, 11]), N)
    if value is not None:
        X[OUT, 3] = value
    return lab.moments_of(X, interventions=Interventions.from_pairs(np.full(len(OUT), 3), OUT, n_genes=6, n_obs=N))


def prepared(case: Case, lab, *data):
    return [case.model.prepare(lab.problem_of(one), SEED) for one in data]


def said_of_gene_3(local):
    """All that a model says of the gene that was a target."""
    return [
        local.scores(3, SETS),
        local.promise(3, PARENTS, np.array([0, 4])),
        local.residual(3, PARENTS),
        local.weights(3, PARENTS),
        local.held_out(3, PARENTS, OWN[:150], OWN[150:]),
    ]


@every_model
def test_what_was_done_to_a_gene_says_nothing_of_its_equation(case, lab):
    m, other = with_targets(case, lab), with_targets(case, lab, 50.0)
    first, second = map(said_of_gene_3, prepared(case, lab, m, other))
    for one, same in zip(first, second, strict=True):
        np.testing.assert_allclose(one, same, rtol=1e-3, atol=1e-3)  # the gene in float32, in other units


@every_model
def test_as_a_parent_its_values_count_everywhere(case, lab):
    m, other = with_targets(case, lab), with_targets(case, lab, 50.0)
    found, changed = (local.scores(4, np.array([[3]]))[0] for local in prepared(case, lab, m, other))
    assert abs(found - changed) > 1.0


@every_model
def test_its_equation_is_about_that_of_the_observations_alone(case, lab):
    """Exactly so where functions of parents do not depend on the sample, as lines and powers of one degree."""
    X = case.draw(np.random.default_rng([80, 11]), N)
    local = case.model.prepare(lab.problem_of(with_targets(case, lab)), SEED)
    alone = case.model.prepare(lab.problem_of(lab.moments_of(X[OWN])), SEED)
    exact = case.name in ("linear", "lingam")
    found, expected = local.scores(3, SETS), alone.scores(3, SETS)
    np.testing.assert_allclose(found, expected, rtol=1e-5 if exact else 0.1, atol=1e-4 if exact else 3.0)
    left, kept = local.residual(3, PARENTS), alone.residual(3, PARENTS)
    assert (left[OUT] == 0).all()
    assert np.corrcoef(left[OWN], kept)[0, 1] > 0.99
    assert np.mean(left[OWN] ** 2) == pytest.approx(np.mean(kept**2), rel=0.05)


@every_model
def test_other_genes_have_the_scores_that_they_have_without_labels(case, lab):
    if case.name == "glm":
        pytest.skip("the prior of the dispersions is the trend of all genes")
    if case.name == "dag_gnn":
        pytest.skip("a gene is mapped by the law of its own observations, as a parent too: it is measured in one way")
    told, untold = (
        case.model.prepare(lab.problem_of(one), SEED) for one in (with_targets(case, lab), drawn(case, lab))
    )
    sets = np.array([[3], [1], [0]])
    assert told.scores(2, sets).tolist() == untold.scores(2, sets).tolist()
    assert told.residual(2, sets[0]).tolist() == untold.residual(2, sets[0]).tolist()
    assert told.promise(2, sets[1], np.array([0, 3])).tolist() == untold.promise(2, sets[1], np.array([0, 3])).tolist()


@every_model
def test_scores_in_other_rows_are_those_of_a_gene_that_was_a_target_elsewhere(case, lab):
    told, untold = (
        case.model.prepare(lab.problem_of(one), SEED) for one in (with_targets(case, lab), drawn(case, lab))
    )
    found, expected = untold.scores(3, SETS, OWN), told.scores(3, SETS)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=0.5 if case.name == "glm" else 1e-2)


@every_model
@pytest.mark.parametrize("n_own", [LEAST_OWN, LEAST_OWN + 3])
def test_few_own_observations_are_enough_to_ask(case, lab, n_own):
    gene, row = np.full(N - n_own, 3), np.arange(N - n_own)
    m = drawn(case, lab, interventions=Interventions.from_pairs(gene, row, n_genes=6, n_obs=N))
    local = case.model.prepare(lab.problem_of(m), SEED)
    for parents in ([], [0], [0, 1, 2, 4, 5]):
        parents = np.array(parents, int)
        assert np.isfinite(local.scores(3, parents[None])).all()
        assert np.isfinite(local.residual(3, parents)).all()
        assert np.isfinite(local.weights(3, parents)).all()
        assert np.isfinite(local.promise(3, parents, np.setdiff1d([0, 1, 2, 4, 5], parents))).all()


def test_rows_of_a_gene_are_those_in_which_it_was_no_target(lab):
    m = with_targets(CASES[0], lab)
    own = OwnRows.of(m, 3, np.arange(100))
    assert own.fitted.tolist() == [k for k in range(100) if k not in OUT]
    assert own.n_effective == pytest.approx(len(own.fitted))
    y = own.response(m.Z[3])
    assert (y[OWN].mean(), y[OWN].std()) == pytest.approx((0.0, 1.0))
    assert OwnRows.of(m, 2).response(m.Z[2]) is not None
    assert OwnRows.of(m, 2).fitted is None
