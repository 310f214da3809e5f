"""The classical uncertainties of a prediction: entropy, margin, least confidence, BALD.

With p̄ = mean_t p[t, c, v] the mean prediction over T dropout samples, at each voxel:
- predictive entropy PE = −Σ_c p̄ log p̄ (Shannon, 1948);
- margin 1 − (p̄₁ − p̄₂) between the two likeliest classes (Scheffer et al., 2001);
- least confidence 1 − max_c p̄ (Lewis and Gale, 1994);
- BALD = PE − mean_t H(p_t), 0 ≤ BALD ≤ PE (Houlsby et al., 2011; Gal et al., 2017): what the
  samples disagree about, without what each of them is unsure of in itself.
"""

from __future__ import annotations

from .uncertainty import UncertaintyRanking


class Entropy(UncertaintyRanking):
    """Units with the highest predictive entropy."""

    name = "entropy"
    summary = "Where the prediction is spread over several classes."
    measure = "entropy"
    quantity = "Predictive entropy"
    unit = " nats"


class Margin(UncertaintyRanking):
    """Units where the two likeliest classes are closest."""

    name = "margin"
    summary = "Where the two likeliest classes are nearly as likely as each other."
    measure = "margin"
    quantity = "Closeness of the two likeliest classes (1 − margin)"


class LeastConfidence(UncertaintyRanking):
    """Units whose likeliest class is least likely."""

    name = "least-confidence"
    summary = "Where even the likeliest class is not very likely."
    measure = "least_confidence"
    quantity = "Lack of confidence"


class BALD(UncertaintyRanking):
    """Units that the dropout samples disagree about most."""

    name = "bald"
    summary = "Where confident samples of the model contradict each other."
    measure = "bald"
    quantity = "Disagreement of the samples (BALD)"
    unit = " nats"
