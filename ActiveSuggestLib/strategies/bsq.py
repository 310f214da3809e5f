"""Bayesian sample querying (Ozdemir et al.): uncertain, and typical of what is not labelled yet.

Of the n_unc most uncertain units by dropout variance (eq. 2) the batch takes those whose infoVAE
latent is likely in the pool and unlikely among the labelled: r = ℓ_pool − ℓ_annotated (eqs. 7–8).

The paper preset keeps T = 17, the mean variance over all pixels, the paper's infoVAE (d = 200)
and the k highest r at once. The default takes T ≥ 20, the variance over the predicted foreground
and over everything in equal parts (as ``mc-dropout``), and fits the annotated anew after each
pick, since the k highest r are near-duplicates of each other. Both leave outliers of the pool for
last and keep the patients of a batch apart, which the paper does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models.inference import Samples
from .base import PoolView, Scores
from .diversity import pick_diverse
from .likelihood import LIKELIHOODS, Moments
from .mc_dropout import MEASURE
from .nearest import nearest_rows
from .representative import LatentFits, most_uncertain, pick_representatives
from .uncertainty import enough_samples, pooled, relative

PAPER_SAMPLES = 17
SHORTLIST_FACTOR = 2
AUTOENCODER = "infovae"


@dataclass(frozen=True)
class _Round:
    """What one scoring found, for the selection that follows it."""

    uncertainty: np.ndarray
    latents: np.ndarray
    fits: LatentFits


class BayesianSampleQuerying:
    """Units that the model is unsure of and that the labelled ones do not cover.

    ``preset="paper"``: the literal protocol. ``samples`` sets T, ``uncertain`` n_unc (default:
    twice the batch, as in the paper), ``likelihood`` is ``tail`` (eq. 8) or ``pdf``.
    """

    name = "bsq"
    summary = "Where the model is unsure and the image is typical of what is not labelled yet."
    needs_model = True

    def __init__(
        self,
        *,
        preset: str | None = None,
        samples: int | None = None,
        uncertain: int | None = None,
        likelihood: str = "tail",
    ) -> None:
        if likelihood not in LIKELIHOODS:
            raise TypeError(f"likelihood is one of {', '.join(LIKELIHOODS)}")
        self.paper = preset == "paper"
        self.samples = samples
        self.uncertain = uncertain
        self.likelihood = likelihood
        self._round: _Round | None = None

    @property
    def autoencoder(self) -> str:
        """The kind of autoencoder whose latents it needs."""
        return f"{AUTOENCODER}-paper" if self.paper else AUTOENCODER

    def score(self, pool: PoolView) -> Scores:
        """Score the more uncertain half of the pool by r, in nats, and the rest below it.

        A score cannot know how large the batch will be; ``select`` looks among the n_unc most
        uncertain only.
        """
        kind = self.autoencoder
        # The statistics may drop units that the latents still have, so the rows are taken last.
        pool.latents(kind)
        uncertainty, samples = self._uncertainty(pool)
        latents = pool.latents(kind)
        z = latents.candidates
        labelled = Moments.of(latents.labelled)
        fits = LatentFits(Moments.of(z).with_others(labelled), labelled, self.likelihood)
        self._round = _Round(uncertainty, z, fits)
        ratio = fits.ratio(z)
        values = ratio.copy()
        uncertain = most_uncertain(uncertainty, -(-len(z) // 2))
        usual = fits.usual(z)
        first = uncertain[usual[uncertain]]
        rest = np.setdiff1d(np.arange(len(z)), first)
        if len(first) and len(rest):
            # Below every r, by uncertainty.
            highest = max(float(uncertainty.max()), np.finfo(float).tiny)
            values[rest] = ratio[first].min() - 2 + uncertainty[rest] / highest
        return Scores(values, self._reasons(pool, latents.labelled, ratio, usual, samples))

    def select(self, pool: PoolView, scores: Scores, allowed: np.ndarray, count: int) -> list[int]:
        """Return ``count`` of the n_unc most uncertain units that are allowed, by r."""
        del scores  # They cannot know the batch's size.
        assert self._round is not None, "score comes before select"
        found = self._round
        wanted = max(count, self.uncertain or SHORTLIST_FACTOR * count)
        free = np.flatnonzero(allowed)
        order = free[most_uncertain(found.uncertainty[free], len(free))]
        shortlist = pick_diverse(order.tolist(), pool.units, pool.labelled, wanted)
        picks = pick_representatives(
            found.latents[shortlist].astype(float),
            found.fits,
            len(shortlist),
            refit=not self.paper,
        ).picks
        by_ratio = [shortlist[i] for i in picks]
        return pick_diverse(by_ratio, pool.units, pool.labelled, count)

    def _uncertainty(self, pool: PoolView) -> tuple[np.ndarray, int]:
        """Return the dropout variance of each unit relative to the pool's mean, (N,), and T."""
        if self.paper:
            count = self.samples or PAPER_SAMPLES
            return relative(pool.statistics(Samples(count)).values(MEASURE, "mean")), count
        samples = enough_samples(pool, self.samples)
        return pooled(pool, pool.statistics(samples), MEASURE), samples.count

    def _reasons(
        self,
        pool: PoolView,
        labelled: np.ndarray,
        ratio: np.ndarray,
        usual: np.ndarray,
        samples: int,
    ) -> list[list[str]]:
        assert self._round is not None
        uncertainty = self._round.uncertainty
        middle = float(np.median(uncertainty)) if len(uncertainty) else 0.0
        nearest = nearest_rows(self._round.latents, labelled)
        reasons = []
        for i, r in enumerate(ratio):
            times = f"{uncertainty[i] / middle:.1f} times the pool's median" if middle > 0 else "0"
            words = "more" if r > 0 else "less"
            text = [
                f"Uncertainty under dropout is {times} ({samples} samples).",
                f"It is {words} typical of the pool than of the labelled "
                f"(log likelihood ratio {r:+.1f}).",
            ]
            if not usual[i]:
                text.append("An outlier of the pool, so it comes after the others.")
            if len(labelled):
                unit = pool.labelled[nearest[i]]
                where = "" if unit.slice is None else f", slice {unit.slice}"
                text.append(f"The labelled image most like it is {unit.case}{where}.")
            reasons.append(text)
        return reasons
