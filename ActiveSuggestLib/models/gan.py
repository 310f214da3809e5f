"""A conditional GAN that draws a picture anew where its mask was altered (Mahapatra et al. 2018).

The generator is the paper's: a picture and the latent z of a mask, tiled, through residual blocks
of 2×(3×3 convolution, batch norm, ReLU) to a picture within ±1. Two things are added, because
without them the paired training has the copy of the input as its solution, and a latent that is the
same at every pixel cannot tell a convolutional network where a border lies:

- where the mask was altered the picture is blanked, and one channel tells where;
- the mask itself goes along, one channel a class;
- what is learnt is the difference to the blanked picture, filled from its surroundings, and
  elsewhere the picture stays as it is. (With an L1 term that asks for that instead, the generator
  learns to change nothing anywhere.)

So moving a border is the completion of a picture by its mask, for which every labelled picture has
the answer.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from .gan_plan import SIDE_STEP, GanPlan

SLOPE = 0.2
LARGEST = 0.999
NEIGHBOURHOODS = (5, 11, 31)
FEWEST_KNOWN = 0.1


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        last = nn.BatchNorm2d(width)
        # A block begins as the identity: eight of them would blow the features up otherwise, and
        # the first steps throw the output about.
        nn.init.zeros_(last.weight)
        self.inner = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            last,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.inner(x))


class Generator(nn.Module):
    """G(x, region, mask, z): a picture of the mask that agrees with x outside the region."""

    def __init__(self, plan: GanPlan) -> None:
        super().__init__()
        inputs = plan.channels + 1 + plan.classes
        # One convolution of all of them together, in two parts: the latent's many channels would
        # drown the mask's few ones at first.
        self.first = nn.Conv2d(inputs, plan.width, 3, padding=1)
        self.told = nn.Conv2d(plan.latent, plan.width, 1, bias=False)
        nn.init.normal_(self.told.weight, std=0.1 / plan.latent)
        self.blocks = nn.Sequential(*(_Residual(plan.width) for _ in range(plan.blocks)))
        self.last = nn.Conv2d(plan.width, plan.channels, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(
        self, picture: torch.Tensor, region: torch.Tensor, hot: torch.Tensor, z: torch.Tensor
    ) -> torch.Tensor:
        """Return pictures (B, channels, H, W) within ±1.

        ``picture`` (B, channels, H, W) within ±1; ``region`` float (B, 1, H, W) is 1 where the
        picture is to be made anew; ``hot`` (B, classes, H, W); ``z`` (B, latent).
        """
        tiled = z[..., None, None].expand(*z.shape, *picture.shape[2:])
        known = filled(picture, region)
        x = self.first(torch.cat([known, region, hot], dim=1)) + self.told(tiled)
        x = functional.relu(x)
        # tanh(atanh(known)) = known: with nothing learnt yet it is the filled picture.
        start = torch.atanh(known.clamp(-LARGEST, LARGEST))
        made = torch.tanh(start + self.last(self.blocks(x)))
        return region * made + (1.0 - region) * picture


def filled(picture: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
    """Return pictures (B, C, H, W) whose ``region`` (B, 1, H, W) holds its surroundings' mean.

    The mean over the nearest of three neighbourhoods that holds enough that is known.
    """
    known = 1.0 - region
    result, missing = picture * known, region
    for size in NEIGHBOURHOODS:
        share = functional.avg_pool2d(known, size, 1, size // 2)
        around = functional.avg_pool2d(picture * known, size, 1, size // 2)
        found = missing * (share > FEWEST_KNOWN).to(picture.dtype)
        result = result + found * around / share.clamp_min(FEWEST_KNOWN)
        missing = missing - found
    return result


class Discriminator(nn.Module):
    """D(x, mask): the logit of "this is a real picture of this mask".

    Eight convolutions from ``width`` to eight times as many channels (64 to 512 in the paper),
    stride 2 at each doubling, LeakyReLU, two dense layers. The first convolution has no norm.
    """

    def __init__(self, plan: GanPlan) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = plan.channels + plan.classes
        for level in range(4):
            after = plan.width * 2**level
            for stride in (1, 2):
                layers.append(nn.Conv2d(before, after, 3, stride=stride, padding=1))
                if len(layers) > 1:
                    layers.append(nn.BatchNorm2d(after))
                layers.append(nn.LeakyReLU(SLOPE))
                before = after
        self.convolutions = nn.Sequential(*layers)
        flat = before * (plan.side // SIDE_STEP) ** 2
        self.dense = nn.Sequential(
            nn.Linear(flat, 16 * plan.width), nn.LeakyReLU(SLOPE), nn.Linear(16 * plan.width, 1)
        )

    def forward(self, picture: torch.Tensor, hot: torch.Tensor) -> torch.Tensor:
        """Return logits (B,) of pictures (B, channels, side, side) and one-hot masks."""
        deep = self.convolutions(torch.cat([picture, hot], dim=1))
        return self.dense(deep.flatten(1))[:, 0]
