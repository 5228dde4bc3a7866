"""A map of several sources of images on paper: t-SNE of their features."""

from __future__ import annotations

import numpy as np

from .distances import DistanceError

PERPLEXITY = 30
FEWEST = 5


def embed(sources: list[np.ndarray], seed: int = 0) -> list[np.ndarray]:
    """Positions (n, 2) for the features (n, d) of each source, on one map for all (van der Maaten & Hinton 2008).

    Begins with the first two principal components, so that the map depends on the seed little. Raises DistanceError
    where there are too few images for a map.
    """
    from sklearn.manifold import TSNE

    together = np.concatenate(sources)
    if len(together) < FEWEST:
        raise DistanceError(f"A map needs at least {FEWEST} images, and there are {len(together)}")
    perplexity = min(PERPLEXITY, (len(together) - 1) / 3)
    places = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(together)
    return np.split(places, np.cumsum([len(source) for source in sources])[:-1])
