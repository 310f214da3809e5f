"""Where the model's loss would be high, by what it is on labels (Yoo and Kweon, CVPR 2019).

A small network learns on the labelled images how large the segmentation's loss is, from the
segmentation network's own features, and predicts it for the others; a volume's is the mean over its
slices. As labels that were trained on have small losses everywhere, it tells how well it orders
labelled images that it was not shown.
"""

from __future__ import annotations

import numpy as np

from .base import SLICE, PoolView, RankingStrategy, Scores


class LearningLoss(RankingStrategy):
    """Units with the highest predicted loss."""

    name = "learning-loss"
    summary = "Where a second network expects the model to be wrong."

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by the loss that is predicted for it."""
        found = pool.predicted_losses()
        values = np.asarray(found.values, float)
        rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
        share = rank / max(len(values), 1)
        trust = f"learnt on {found.trained_on} labelled images"
        if np.isfinite(found.right_pairs):
            trust += f"; of slices left out it orders {found.right_pairs:.0%} of the pairs rightly"
        reasons = []
        for i, part in enumerate(share):
            text = [
                f"The predicted loss is higher than for {int(100 * part)} % of the pool ({trust})."
            ]
            if pool.kind != SLICE and found.slice_counts[i] > 1:
                text.append(f"It is highest around slice {found.worst_slices[i]}.")
            reasons.append(text)
        return Scores(values, reasons)
