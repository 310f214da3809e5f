"""The conditional GAN on toys: sizes, losses, and that a mask says where a border lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ActiveSuggestLib.data.labels import UNKNOWN
from ActiveSuggestLib.errors import CancelledError, TrainingDivergedError
from ActiveSuggestLib.models.frames import Frame, reach_of
from ActiveSuggestLib.models.gan import Discriminator, Generator, filled
from ActiveSuggestLib.models.gan_losses import altered_loss, paired_loss, perceptual_distance
from ActiveSuggestLib.models.gan_plan import GanPlan, gan_plan
from ActiveSuggestLib.models.gan_training import (
    GanLearning,
    LabelledPictures,
    MaskLearning,
    draw_batch,
)
from ActiveSuggestLib.models.mask_autoencoder import MaskAutoencoder, one_hot
from ActiveSuggestLib.models.mask_edits import EditRanges, draw_edit
from ActiveSuggestLib.models.stepping import learn
from ActiveSuggestLib.models.synthesis import Synthesiser
from ActiveSuggestLib.models.training import Budget
from ActiveSuggestLib.pauses import Pauses
from ActiveSuggestLib.progress import Cancel, no_progress

PLAN = GanPlan(
    channels=1,
    classes=2,
    side=32,
    width=8,
    blocks=3,
    latent=8,
    learning_rate=2e-3,
    mask_learning_rate=5e-3,
)
STILL = EditRanges(rotation=0.0, shift=0.0, brightened=0.0)


def discs(count=6, side=32):
    """Return bright discs on a dark ground with a little noise, and their masks."""
    y, x = np.mgrid[:side, :side]
    pairs = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        centre, radius = rng.uniform(0.4 * side, 0.6 * side, 2), rng.uniform(7, 11)
        mask = ((y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2).astype(np.uint8)
        picture = (mask * 2.0 - 1.0 + rng.normal(0, 0.05, mask.shape))[None].astype(np.float32)
        pairs.append((picture, mask))
    return pairs


def levels(pictures):
    """A stand-in for an encoder: the picture at two scales."""
    return [torch.nn.functional.avg_pool2d(pictures, k) for k in (2, 4)]


def run(work, steps, unfinished=None, keep=lambda state: None, cancel=None):
    return learn(
        work,
        Budget(None, steps),
        name="toy",
        unfinished=unfinished,
        keep=keep,
        progress=no_progress,
        cancel=cancel or Cancel(),
        pauses=Pauses(),
    )


@pytest.fixture(scope="module")
def material():
    return LabelledPictures.of(discs(), PLAN.side)


@pytest.fixture(scope="module")
def trained(material):
    masks = MaskLearning(PLAN, material, seed=0)
    first = np.mean([masks.step(i, 0.0) for i in range(3)])
    for i in range(3, 60):
        last = masks.step(i, 0.0)
    assert last < 0.6 * first
    gan = GanLearning(PLAN, material, masks.network.eval(), levels, seed=0)
    for i in range(90):
        gan.step(i, i / 90)
    return gan


def test_sizes_follow_the_plan():
    plan = GanPlan(channels=2, classes=3, side=48, width=4, blocks=2, latent=5)
    hot = one_hot(torch.randint(0, 3, (2, 48, 48), dtype=torch.uint8), 3)
    autoencoder = MaskAutoencoder(plan)
    z = autoencoder.encode(hot)
    assert z.shape == (2, 5)
    assert autoencoder.decode(z).shape == (2, 3, 48, 48)
    picture, region = torch.rand(2, 2, 48, 48) * 2 - 1, torch.zeros(2, 1, 48, 48)
    made = Generator(plan)(picture, region, hot, z)
    assert made.shape == picture.shape
    assert made.abs().max() <= 1
    assert Discriminator(plan)(made, hot).shape == (2,)


def test_the_papers_sizes_and_those_for_a_cpu():
    paper = gan_plan(1, 2, 500, on_cpu=True, paper=True)
    assert (paper.side, paper.width, paper.blocks, paper.latent) == (512, 64, 8, 64)
    convolutions = [
        m for m in Discriminator(GanPlan(1, 2, 32, 64)).modules() if isinstance(m, torch.nn.Conv2d)
    ]
    assert [c.out_channels for c in convolutions] == [64, 64, 128, 128, 256, 256, 512, 512]
    assert [c.stride[0] for c in convolutions] == [1, 2] * 4
    small = gan_plan(1, 2, 500, on_cpu=True)
    assert (small.side, small.width) == (96, 16)
    assert gan_plan(1, 2, 78, on_cpu=True).side == 80
    assert paper.hash != small.hash


def test_an_untrained_generator_fills_in_from_around():
    picture = torch.full((1, 1, 32, 32), 0.4)
    region = torch.zeros(1, 1, 32, 32)
    region[..., 10:20, 10:20] = 1
    spoilt = picture - region
    assert torch.allclose(filled(spoilt, region), picture, atol=1e-5)
    hot = torch.zeros(1, 2, 32, 32)
    made = Generator(PLAN).eval()(spoilt, region, hot, torch.zeros(1, 8))
    assert torch.allclose(made, picture, atol=1e-4)
    everything = torch.ones_like(region)
    assert torch.equal(filled(picture, everything), torch.zeros_like(picture))


def test_the_mask_says_where_the_border_lies(trained, material):
    """A blanked part becomes like the picture with its own mask, and unlike it with another."""
    rng = np.random.default_rng(99)
    generator, masks = trained.generator.eval(), trained.masks
    own, other, altered = [], [], []
    for _ in range(8):
        drawn = draw_batch(material, 4, rng, "cpu")
        for wanted, errors in ((drawn.masks, own), (drawn.altered, other)):
            hot = one_hot(wanted, 2)
            with torch.no_grad():
                made = generator(drawn.pictures, drawn.regions, hot, masks.encode(hot))
            difference = (made - drawn.pictures).abs() * drawn.regions
            errors.append(float(difference.sum() / drawn.regions.sum()))
            if wanted is drawn.altered:
                changed = drawn.masks != drawn.altered
                inside = (drawn.altered == 1)[changed]
                bright = made[:, 0][changed] > 0
                altered.append(float((inside == bright).float().mean()))
    assert np.mean(own) < 0.8 * np.mean(other)
    assert np.mean(altered) > 0.8  # Filled in from around, a third of them would be right.


def test_the_generator_learns_to_draw_what_was_blanked(trained, material):
    drawn = draw_batch(material, 24, np.random.default_rng(5), "cpu")
    hot = one_hot(drawn.masks, 2)
    sure, losses = torch.full((24,), 50.0), []
    for generator in (Generator(PLAN).eval(), trained.generator.eval()):
        with torch.no_grad():
            made = generator(drawn.pictures, drawn.regions, hot, trained.masks.encode(hot))
        losses.append(float(paired_loss(PLAN, sure, made, drawn.pictures, drawn.regions)))
    assert losses[1] < 0.9 * losses[0]


def test_the_content_loss_is_bounded_and_leaves_the_rest_alone(material):
    drawn = draw_batch(material, 4, np.random.default_rng(0), "cpu")
    sure = torch.full((4,), 50.0)
    other = -drawn.pictures
    outside = torch.where(drawn.regions.bool(), other, drawn.pictures)
    least = -PLAN.content_weight * (PLAN.most_perceptual + PLAN.most_squared)
    free = altered_loss(PLAN, sure, outside, drawn.pictures, drawn.regions, levels)
    assert least <= float(free) < PLAN.content_weight
    everywhere = altered_loss(PLAN, sure, other, drawn.pictures, drawn.regions, levels)
    assert float(everywhere) > 1.0
    assert float(perceptual_distance(levels, drawn.pictures, drawn.pictures)) == 0


def test_a_killed_training_goes_on_to_the_same_weights(material):
    masks = MaskLearning(PLAN, material, seed=0).network

    def fresh():
        return GanLearning(PLAN, material, masks, levels, seed=3)

    whole = fresh()
    assert run(whole, 6) == 6
    kept, cancel, cut = [], Cancel(), fresh()
    original = cut.step

    def step(index, share):
        if index == 2:
            cancel.cancel()
        return original(index, share)

    cut.step = step
    with pytest.raises(CancelledError):
        run(cut, 6, keep=kept.append, cancel=cancel)
    assert kept[-1].step == 3
    again = fresh()
    assert run(again, 6, unfinished=kept[-1]) == 6
    for name, value in whole.generator.state_dict().items():
        assert torch.equal(value, again.generator.state_dict()[name])


def test_a_loss_that_is_no_number_ends_the_training():
    class Broken:
        def step(self, index, share):
            return float("nan")

    with pytest.raises(TrainingDivergedError, match="toy"):
        run(Broken(), 100)


@pytest.mark.parametrize("shape", [(20, 30), (64, 64), (90, 40)])
def test_a_frame_gives_slices_back(shape):
    frame = Frame(*shape, 64, (2.0,))
    y, x = np.mgrid[: shape[0], : shape[1]]
    smooth = torch.from_numpy(np.sin(y / 9) + np.cos(x / 9)).float()[None, None]
    pictures = frame.pictures(smooth)
    assert pictures.shape == (1, 1, 64, 64)
    assert pictures.abs().max() <= 1
    error = (frame.slices(pictures) - smooth).abs().max()
    assert error < (1e-5 if max(shape) <= 64 else 0.15)
    mask = torch.ones((1, *shape), dtype=torch.uint8)
    framed = frame.masks(mask)
    assert set(framed.unique().tolist()) <= {1, UNKNOWN}
    assert (framed == 1).sum() == np.prod(frame.inner)
    assert frame.regions(mask.bool()).sum() == np.prod(frame.inner)


def test_the_reach_of_each_channel_is_its_own():
    slices = [np.stack([np.full((4, 4), 1.0), np.full((4, 4), -3.0)])]
    assert reach_of(slices) == pytest.approx((1.1, 3.3))


@pytest.mark.parametrize("size", [32, 50])
def test_a_synthetic_is_the_original_but_for_its_border(trained, material, size):
    synthesiser = Synthesiser(PLAN, material.reach, trained.masks, trained.generator)
    picture, mask = discs(1, size)[0]
    edits = [draw_edit((1,), STILL, np.random.default_rng(i)) for i in range(5)]
    made = synthesiser.make(picture, mask, edits)
    assert made.pictures.shape == (5, 1, size, size)
    assert made.masks.shape == made.regions.shape == (5, size, size)
    elsewhere = ~torch.from_numpy(made.regions)
    for one, kept in zip(made.pictures, elsewhere, strict=True):
        assert torch.equal(one[0][kept], torch.from_numpy(picture[0])[kept])
    assert set(np.unique(made.masks)) <= {0, 1}
    again = synthesiser.make(picture, mask, edits)
    assert torch.equal(made.pictures, again.pictures)
