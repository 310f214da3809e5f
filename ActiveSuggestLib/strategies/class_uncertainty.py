"""Which image to classify next: those whose class is most uncertain (Mahapatra et al., eq. 6).

The score is the sum of the epistemic and the aleatoric uncertainty of the class logits. It is not
a strategy by itself but what one does whose ``target`` is ``CLASS``; such a one ranks the images
that have no class yet, whether or not they have a label.
"""

from __future__ import annotations

import numpy as np

from .base import ClassView, PoolView, Scores
from .uncertainty import times_the_median

CLASS = "class"
SAMPLES = 50


def class_scores(pool: PoolView, *, samples: int = SAMPLES) -> Scores:
    """Score every unit by how uncertain its class is, with both parts in the reasons.

    Raises:
        NoClassError: fewer than two classes have a case to learn from.
    """
    found = pool.class_uncertainty(samples=samples)
    values = found.epistemic + found.aleatoric
    return Scores(values, _reasons(found, values))


def _reasons(found: ClassView, values: np.ndarray) -> list[list[str]]:
    trust = f"Learnt on {found.trained_on} classified images"
    if np.isfinite(found.auc):
        trust += f"; AUC {found.auc:.2f} on {found.held_out} patients that it had not seen"
    times = times_the_median(values)
    reasons = []
    for i, probability in enumerate(found.probability):
        likeliest = np.argsort(-probability, kind="stable")[:2]
        said = " or ".join(f"{found.names[c]} ({probability[c]:.0%})" for c in likeliest)
        reasons.append(
            [
                f"It may be {said}; the uncertainty of its class is {times[i]} "
                f"({found.epistemic[i]:.3g} that more classified images would settle and "
                f"{found.aleatoric[i]:.3g} noise, on the logit scale).",
                f"{trust}.",
            ]
        )
    return reasons
