"""The fully convolutional network of suggestive annotation (Yang et al., MICCAI 2017, Fig. 2).

A stem of two 3×3 convolutions with 32 channels; five stages of two bottleneck-residual units with
N_C = 64, 128, 256, 256, 256, a max pooling before each (strides 2 … 32); every scale brought back
to full size, all of them concatenated, a 3×3 and a 1×1 convolution with one channel a class. The
last has no rectifier: logits must be able to be negative. An image's descriptor is the spatial
mean of the last encoder output, 4·256 = 1024 numbers.

The figure does not say how wide the branches back to full size are: 16 channels by a 1×1
convolution, then a transposed convolution a channel that begins as bilinear interpolation (Long et
al., CVPR 2015), is ours.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional

from .networks import EncoderDecoder
from .plan import Plan

STEM = 32
STAGES = (64, 128, 256, 256, 256)
WIDENING = 4
BRANCH = 16
# Batch norm is unstable on fewer.
SMALLEST_BATCH = 4


def suggestive_plan(plan: Plan) -> Plan:
    """Return a 2D ``plan`` for this network: patches a multiple of 32, batches of 4 at least."""
    if plan.dimensions != 2:
        raise ValueError("the network of suggestive annotation is a 2D one")
    side = 2 ** len(STAGES)
    rows, columns = (max(side, -(-n // side) * side) for n in plan.patch[1:])
    return replace(
        plan,
        patch=(1, rows, columns),
        features=(STEM, *(WIDENING * n for n in STAGES)),
        strides=((2, 2),) * len(STAGES),
        dropout=0.0,
        batch=max(plan.batch, SMALLEST_BATCH),
    )


class Bottleneck(nn.Module):
    """1×1-N_C, 3×3-N_C and 1×1-4N_C convolutions beside a shortcut, each with batch norm."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        outputs = WIDENING * width
        self.inner = nn.Sequential(
            *_convolution(inputs, width, 1), *_convolution(width, width, 3),
            *_convolution(width, outputs, 1)[:2],
        )  # fmt: skip
        self.shortcut = (
            nn.Identity()
            if inputs == outputs
            else nn.Sequential(*_convolution(inputs, outputs, 1)[:2])
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (B, 4·N_C, H, W); the last rectifier acts on the sum, as in ResNet."""
        return functional.relu(self.inner(x) + self.shortcut(x))


class SuggestiveNetwork(EncoderDecoder):
    """The network of Fig. 2 for pictures (B, in_channels, H, W), H and W multiples of 32."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(in_channels, STEM, 3), *_convolution(STEM, STEM, 3))
        self.pool = nn.MaxPool2d(2)
        widths = [STEM, *(WIDENING * n for n in STAGES)]
        self.stages = nn.ModuleList(
            nn.Sequential(Bottleneck(inputs, width), Bottleneck(outputs, width))
            for (inputs, outputs), width in zip(itertools.pairwise(widths), STAGES, strict=True)
        )
        self.branches = nn.ModuleList(
            nn.Sequential(*_convolution(width, BRANCH, 1), _to_full_size(2**level))
            for level, width in enumerate(widths)
        )
        self.head = nn.Sequential(
            *_convolution(BRANCH * len(widths), classes, 3), nn.Conv2d(classes, classes, 1)
        )

    def encode(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the stem's and every stage's features, the 1024-channel one last."""
        features = [self.stem(x)]
        for stage in self.stages:
            features.append(stage(self.pool(features[-1])))
        return features

    def decode(self, features: Sequence[torch.Tensor], samples: int = 1) -> torch.Tensor:
        """Return logits; nothing is random, so all ``samples`` are alike."""
        whole = [branch(f) for branch, f in zip(self.branches, features, strict=True)]
        logits = self.head(torch.cat(whole, dim=1))
        return logits if samples == 1 else logits.repeat(samples, 1, 1, 1)

    @property
    def embedding_size(self) -> int:
        """The length of an image's descriptor."""
        return WIDENING * STAGES[-1]


def _convolution(inputs: int, outputs: int, side: int) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def _to_full_size(factor: int) -> nn.Module:
    """Return a transposed convolution a channel that begins as bilinear interpolation."""
    if factor == 1:
        return nn.Identity()
    up = nn.ConvTranspose2d(
        BRANCH, BRANCH, 2 * factor, factor, padding=factor // 2, groups=BRANCH, bias=False
    )
    ramp = 1.0 - (torch.arange(2 * factor) - (factor - 0.5)).abs() / factor
    with torch.no_grad():
        up.weight.copy_(torch.outer(ramp, ramp).expand_as(up.weight))
    assert math.isclose(float(ramp.sum()), factor)
    return up
