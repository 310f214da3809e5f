"""The masked loss: unlabelled voxels are unknown, not background."""

from __future__ import annotations

import pytest
import torch
from monai.losses import DiceLoss
from torch.nn import functional

from ActiveSuggestLib.data.labels import UNKNOWN
from ActiveSuggestLib.models.losses import MaskedDiceCELoss


def a_problem(seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, 4, 6, 6, generator=generator)
    target = torch.randint(0, 3, (2, 4, 6, 6), generator=generator).to(torch.uint8)
    return logits, target


def test_unlabelled_voxels_alter_neither_the_loss_nor_its_gradient():
    # Known answer 11.
    logits, target = a_problem()
    target[:, 2:] = UNKNOWN
    changed = logits.clone()
    changed[:, :, 2:] += 5 * torch.randn(2, 3, 2, 6, 6)
    losses, gradients = [], []
    for x in (logits, changed):
        x = x.clone().requires_grad_()
        loss = MaskedDiceCELoss()(x, target)
        loss.backward()
        losses.append(float(loss.detach()))
        gradients.append(x.grad)
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert torch.allclose(gradients[0][:, :, :2], gradients[1][:, :, :2], atol=1e-7)
    assert all(float(g[:, :, 2:].abs().max()) == 0.0 for g in gradients)


def test_a_sparse_label_gives_the_loss_of_its_slices_alone():
    logits, target = a_problem()
    sparse = target.clone()
    sparse[:, 1:] = UNKNOWN
    alone = MaskedDiceCELoss()(logits[:, :, :1], target[:, :1])
    assert float(MaskedDiceCELoss()(logits, sparse)) == pytest.approx(float(alone), rel=1e-5)


def test_a_whole_label_gives_monais_dice_and_torchs_cross_entropy():
    logits, target = a_problem()
    dice = DiceLoss(
        include_background=False, batch=True, softmax=True, to_onehot_y=True,
        smooth_nr=1e-5, smooth_dr=1e-5,
    )  # fmt: skip
    expected = dice(logits, target[:, None]) + functional.cross_entropy(logits, target.long())
    assert float(MaskedDiceCELoss()(logits, target)) == pytest.approx(float(expected), rel=1e-5)


def test_nothing_labelled_gives_zero_loss_and_zero_gradient():
    logits, target = a_problem()
    logits.requires_grad_()
    loss = MaskedDiceCELoss()(logits, torch.full_like(target, UNKNOWN))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert float(logits.grad.abs().max()) == 0.0


def test_a_class_that_the_batch_lacks_adds_no_constant():
    _, target = a_problem()
    target[target == 2] = 0
    perfect = 20 * functional.one_hot(target.long(), 3).movedim(-1, 1).float()
    assert float(MaskedDiceCELoss()(perfect, target)) < 1e-3


def test_a_class_that_is_only_predicted_is_left_out_of_the_dice():
    logits, target = a_problem()
    target[target == 2] = 0
    one_hot = functional.one_hot(target.long(), 3).movedim(-1, 1).float()
    dice = DiceLoss(include_background=False, batch=True, smooth_nr=1e-5, smooth_dr=1e-5)
    expected = dice(logits.softmax(1)[:, :2], one_hot[:, :2])
    expected = expected + functional.cross_entropy(logits, target.long())
    assert float(MaskedDiceCELoss()(logits, target)) == pytest.approx(float(expected), rel=1e-5)
