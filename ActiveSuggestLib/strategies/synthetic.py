"""Synthetic variations judged by a Bayesian network (Mahapatra et al., MICCAI 2018).

A conditional GAN that is trained on the labelled images draws variations of an image whose borders
are moved; a Bayesian network says how unsure it is of each, in two parts: what its samples differ
in (epistemic: what it has not learnt) and the noise that it foretells (aleatoric: what is blurred
for everybody). An image's score is the mean over its synthetics; what is asked for is the *real*
image. While this strategy makes the suggestions, synthetics of the labelled images join the
training (``learning.synthetic_cases``).

The paper makes the synthetics of unlabelled images with their *true* masks, which nobody has
outside an experiment. Here the masks are the model's current predictions. ``preset="paper"`` keeps
the leak, with 200 synthetics an image and the paper's sizes; it works in simulations alone and says
so in its reasons.

The paper also ranks images for the class of the whole, by the same uncertainty of the class:
``target="class"``, which needs no synthetics (``class_uncertainty``).
"""

from __future__ import annotations

import numpy as np

from ..models.synthesis import SyntheticSpec
from .base import SLICE, PoolView, RankingStrategy, Scores, SyntheticView
from .class_uncertainty import CLASS, class_scores
from .class_uncertainty import SAMPLES as CLASS_SAMPLES
from .random_choice import RandomChoice
from .uncertainty import relative, times_the_median

MASK = "mask"
SAMPLES = 20
SECONDS = 180.0
PAPER_PER_IMAGE = 200
PAPER_SECONDS = 2_700.0
LEAK = "Made with its true mask, which only a simulation knows: the paper's leak."


class SyntheticVariations(RankingStrategy):
    """Units whose synthetic variations the Bayesian network is least sure of.

    ``per_image`` synthetics are made of a unit, ``samples`` is T of the network, and the trainings
    of what draws them take ``seconds`` at most. ``preset="paper"`` uses the true masks, in
    simulations only.

    ``target="class"`` ranks the images that have no class yet by how uncertain it is, to be
    classified next; ``samples`` is T of that.
    """

    name = "synthetic"
    summary = "Where a Bayesian network is unsure of synthetic variations of an image."
    needs_model = True

    def __init__(
        self,
        *,
        preset: str | None = None,
        target: str = MASK,
        per_image: int | None = None,
        samples: int | None = None,
        seconds: float | None = None,
    ) -> None:
        self.paper = preset == "paper"
        if target not in (MASK, CLASS):
            raise TypeError(f"the target is 'mask' or 'class', not {target!r}")
        self.target = target
        if target == CLASS and (self.paper or per_image is not None or seconds is not None):
            raise TypeError("for the target 'class' no synthetic is made, so samples alone counts")
        if per_image is not None and per_image < 1:
            raise TypeError("per_image is one at least")
        samples = (CLASS_SAMPLES if target == CLASS else SAMPLES) if samples is None else samples
        if samples < 2:
            raise TypeError("samples is two at least")
        self.spec = SyntheticSpec(per_image, samples, seconds or SECONDS)
        if self.paper:
            self.spec = SyntheticSpec(
                per_image or PAPER_PER_IMAGE,
                samples,
                seconds or PAPER_SECONDS,
                truth=True,
                paper=True,
            )
        # Without a truth the paper's protocol must refuse, not give way to a random choice.
        self.needs_model = not self.paper

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by the uncertainty of its synthetics.

        Raises:
            NoTruthError: ``preset="paper"``, and this is no simulation.
            NoClassError: ``target="class"``, and fewer than two classes have a case to learn from.
        """
        if self.target == CLASS:
            return class_scores(pool, samples=self.spec.samples)
        found = pool.synthetics(self.spec)
        if found is None:
            drawn = RandomChoice().score(pool)
            note = "No model is trained yet, so there is nothing to judge by; this is a fair draw."
            return Scores(drawn.values, [[note]] * len(drawn.values))
        everywhere = found.epistemic + found.aleatoric
        if self.paper:
            values = everywhere
        else:
            inside = found.epistemic_foreground + found.aleatoric_foreground
            if pool.kind == SLICE:
                # Per area: a mean over the few foreground pixels of an end slice is all noise.
                inside = inside * found.foreground
            values = 0.5 * (relative(inside) + relative(everywhere))
        return Scores(values, self._reasons(pool, found, values))

    def _reasons(self, pool: PoolView, found: SyntheticView, values: np.ndarray) -> list[list[str]]:
        times = times_the_median(values)
        reasons = []
        for i, words in enumerate(times):
            learnt, noise = found.epistemic[i], found.aleatoric[i]
            share = learnt / (learnt + noise) if learnt + noise > 0 else 0.0
            more = "what it has not learnt" if share >= 0.5 else "what is blurred in the image"
            text = [
                f"The uncertainty of {found.counts[i]} synthetic variations is {words}.",
                f"Mostly {more}: epistemic {learnt:.3g}, aleatoric {noise:.3g} (on the logit "
                f"scale; in the predicted structures {found.epistemic_foreground[i]:.3g} and "
                f"{found.aleatoric_foreground[i]:.3g}; {found.samples} samples, {found.training}).",
            ]
            if pool.kind != SLICE and found.slice_counts[i] > 1:
                text.append(f"Most uncertain around slice {found.worst_slices[i]}.")
            if self.paper:
                text.append(LEAK)
            elif found.unseen[i]:
                text.append("The model finds nothing here, so no border could be moved.")
            reasons.append(text)
        return reasons
