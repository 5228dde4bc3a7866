"""A small classifier: ridge regression on many numbers of an image, each image judged by what the others taught.

In matrix form (T. Hastie et al., The Elements of Statistical Learning, 2nd edition, 3.4.1 and 12.3.7) the scores of
cross-validation are linear in the labels, so that thousands of random labellings cost one product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

FOLDS = 10
DRAWS = 9999  # random labellings
AT_ONCE = 500


def judge(features: np.ndarray, synthetic: np.ndarray) -> tuple[np.ndarray, float]:
    """Cross-validated scores of the images (higher speaks for synthetic), and the one-sided p-value of their AUC.

    `features` (images, numbers), `synthetic` (images,) booleans. The p-value is the share of labellings with as many
    synthetic images, this one among them, whose AUC is as high (B. Phipson & G. K. Smyth, Stat Appl Genet Mol Biol 9
    (2010) 39).
    """
    import numpy as np

    scoring = _scoring(features)
    labels = synthetic.astype(float)
    scores = scoring @ labels
    reached = _area(scores[:, None], labels[:, None])[0]
    draw = np.random.default_rng(0)
    higher = 0
    for start in range(0, DRAWS, AT_ONCE):
        drawn = draw.permuted(np.tile(labels[:, None], min(AT_ONCE, DRAWS - start)), axis=0)
        higher += int((_area(scoring @ drawn, drawn) >= reached - 1e-12).sum())
    return scores, (higher + 1) / (DRAWS + 1)


def _scoring(features: np.ndarray) -> np.ndarray:
    """The matrix that turns labels into cross-validated scores (images, images)."""
    import numpy as np

    spread = features.std(axis=0)
    kept = spread > 1e-12
    standard = (features[:, kept] - features[:, kept].mean(axis=0)) / spread[kept]
    kernel = standard @ standard.T / max(1, kept.sum())
    count = len(features)
    folds = np.random.default_rng(0).permutation(count) % min(FOLDS, count)
    scoring = np.zeros((count, count))
    for fold in range(folds.max() + 1):
        tested, taught = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        centre = np.eye(len(taught)) - 1 / len(taught)
        inner = centre @ kernel[np.ix_(taught, taught)] @ centre
        outer = (kernel[np.ix_(tested, taught)] - kernel[np.ix_(taught, taught)].mean(axis=0)) @ centre
        scoring[np.ix_(tested, taught)] = outer @ np.linalg.solve(inner + np.eye(len(taught)), centre)
    return scoring


def _area(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """AUC of each column of scores under the same column of labels, both (images, columns), no two scores equal."""
    import numpy as np

    ranked = np.take_along_axis(labels, scores.argsort(axis=0), axis=0)
    positives = labels.sum(axis=0)
    rank_sum = (ranked * np.arange(1, len(labels) + 1)[:, None]).sum(axis=0)
    return (rank_sum - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))
