"""Maximum mean discrepancy between two samples (Gretton et al. 2012), for the infoVAE."""

from __future__ import annotations

import torch


def inverse_multiquadric(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return k(x, y) = 2d / (2d + ‖x − y‖²), (N, M), of x (N, d) and y (M, d).

    Two draws of N(0, I_d) are 2d apart in the mean, so k is near ½ in every dimension. At
    d = 200 the Gaussian kernel exp(−‖δ‖²/2) is 10⁻⁵⁹ there and gives no gradient; the printed
    eq. 6 of Ozdemir et al. omits the square.
    """
    scale = 2.0 * x.shape[1]
    squared = (x[:, None] - y[None]).square().sum(dim=2)
    return scale / (scale + squared)


def squared_mmd(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the V-statistic mean k(x, x) + mean k(y, y) − 2 mean k(x, y) ≥ 0, a scalar.

    It is exactly 0 for equal samples.
    """
    k = inverse_multiquadric
    return (k(x, x).mean() - k(x, y).mean()) + (k(y, y).mean() - k(x, y).mean())
