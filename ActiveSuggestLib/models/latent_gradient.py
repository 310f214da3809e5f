"""Where the gradient of the loss moves an image in an autoencoder's latent space (Dai et al.).

Symbols: x an image, L the soft Dice loss of the segmentation network, g = ∂L/∂x, E the encoder's
mean, z = E(x) and z' = E(x'), x' = x + α g (eqs. 3–4).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from ..data.labels import UNKNOWN
from .memory import Limits
from .networks import EncoderDecoder
from .plan import Plan
from .windows import slabs, tile

LITERAL, NORMALISED, JVP = "literal", "normalised", "jvp"
MODES = (LITERAL, NORMALISED, JVP)
ALPHA = 1e-3
RHO = 0.02
EPSILON = 1e-5

Encoder = Callable[[torch.Tensor], torch.Tensor]


def soft_dice_losses(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return 1 − mean_c (2 Σ p y + ε)/(Σ p + Σ y + ε) of each sample, (B,).

    ``logits`` (B, C, *spatial), ``target`` uint8 (B, *spatial). Over labelled voxels, and over the
    background and the classes that a sample has: an absent one has nothing to be found.
    """
    known = target != UNKNOWN
    index = torch.where(known, target, 0).long()
    mask = known[:, None].to(logits.dtype)
    truth = functional.one_hot(index, logits.shape[1]).movedim(-1, 1) * mask
    p = functional.softmax(logits, dim=1) * mask
    overlap, sizes = (p * truth).flatten(2).sum(2), (p + truth).flatten(2).sum(2)
    dice = (2 * overlap + EPSILON) / (sizes + EPSILON)
    present = truth.flatten(2).sum(2) > 0
    present[:, 0] = True
    return 1.0 - (dice * present).sum(dim=1) / present.sum(dim=1)


def loss_gradient(
    network: EncoderDecoder,
    plan: Plan,
    array: torch.Tensor,
    target: torch.Tensor,
    limits: Limits,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return g (C, S, H, W) and the loss of each slice (S,) of a prepared image, on the CPU.

    ``target`` is uint8 (S, H, W). The network is in evaluation mode, so that no sample changes
    another's gradient; a large image is the sum over its windows.
    """
    network.to(limits.device).eval()
    gradients, losses = [], []
    for part in slabs(array.shape[1:], plan, limits.halvings):
        slab = array[:, part].to(limits.device)
        tiling = tile(slab.shape[1:], plan, limits.halvings)
        x = tiling.pad(slab)
        # Padding is a shift of one, so that what lies outside the image is unknown.
        known = tiling.pad((target[part].to(limits.device).int() - UNKNOWN)[None])[0] + UNKNOWN
        labels = known.to(torch.uint8)
        gradient = torch.zeros_like(x)
        total, count = x.new_zeros(x.shape[1]), x.new_zeros(x.shape[1])
        for window in tiling.windows:
            piece = x[(slice(None), *window)].detach().requires_grad_()
            flat = plan.dimensions == 2
            logits = network(piece.movedim(1, 0) if flat else piece[None])
            expected = labels[window]
            loss = soft_dice_losses(logits, expected if flat else expected[None]).sum()
            gradient[(slice(None), *window)] += torch.autograd.grad(loss, piece)[0]
            slices = logits.detach() if flat else logits.detach()[0].movedim(1, 0)
            total[window[0]] += soft_dice_losses(slices, expected)
            count[window[0]] += 1
        gradients.append(tiling.crop(gradient).cpu())
        first = tiling.before[0]
        inner = slice(first, first + tiling.shape[0])
        losses.append((total / count.clamp_min(1))[inner].cpu())
    return torch.cat(gradients, dim=1), torch.cat(losses)


def moved_latent(
    encode: Encoder, x: torch.Tensor, g: torch.Tensor, mode: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return z and z' of an image x with gradient g of the same shape.

    ``literal``: x' = x + 10⁻³ g, as printed; on Dice gradients that is below one unit in the last
    place of most pixels, and z' ≈ z. ``normalised`` (default): x' = x + ρ‖x‖ g/‖g‖, ρ = 0.02.
    ``jvp``: z' = z + J_E(x) ρ‖x‖ g/‖g‖, the exact direction for a vanishing step. The same z where
    the gradient is zero.
    """
    if mode not in MODES:
        raise ValueError(f"no gradient mode is called {mode}; there are {', '.join(MODES)}")
    length = torch.linalg.vector_norm(g)
    if mode == LITERAL or length == 0:
        step = ALPHA * g
    else:
        step = RHO * torch.linalg.vector_norm(x) / length * g
    if mode == JVP:
        z, change = torch.func.jvp(encode, (x,), (step,))[:2]
        return z.detach(), (z + change).detach()
    with torch.no_grad():
        return encode(x), encode(x + step)
