"""The units that the model does worst on, by the true labels: what no strategy can know.

The oracle of Dai et al. (MICCAI 2020), who take it for an upper bound; on our pools, where the
worst images are the odd ones, it is none (``Testing/Benchmarks/RESULTS.md``). Outside of a
simulation there is no truth to look at, and it says so. A unit's score is 1 − the mean Dice over
the structures; a structure that is in neither the truth nor the prediction counts as found
(Dice 1), one that is only predicted as missed (Dice 0). So an empty slice with an empty prediction
comes last.
"""

from __future__ import annotations

from .base import PoolView, RankingStrategy, Scores
from .random_choice import RandomChoice


class Oracle(RankingStrategy):
    """Units with the lowest true Dice."""

    name = "oracle"
    summary = "The lowest true Dice; in simulations only."
    # Without a truth it must refuse, not give way to a random choice.
    needs_model = False

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by 1 − its true Dice.

        Raises:
            NoTruthError: the labels of the pool are not known.
        """
        dice = pool.true_dice()
        if dice is None:
            drawn = RandomChoice().score(pool)
            note = "No model is trained yet, so nothing is wrong yet; this is a fair draw."
            return Scores(drawn.values, [[note]] * len(drawn.values))
        return Scores(1.0 - dice, [[f"The true Dice of the prediction is {d:.3f}."] for d in dice])
