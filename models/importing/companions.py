"""What else lies in checkpoint files: discriminators, feature networks, optimisers.

They cannot fill anything. Inside a training checkpoint they are passed over; a file that holds
nothing else is refused by saying what it is, so that its owner looks for the right one.
"""

from __future__ import annotations

from collections.abc import Mapping

# Names under which training programs file what is not the generator.
ASIDE = frozenset(
    {
        *("D", "D_optim", "G_optim", "dis", "discriminator", "netD", "netlocalD"),
        *("optimizer", "optimizers", "optimizer_states", "optimD", "optimG", "augment_pipe"),
        *("loss_mask_aware", "loss_resnet_pl", "loss_segm_pl", "lpips", "perceptual_loss"),
        *("l1_loss", "adversarial_loss", "style_loss", "vgg", "test_evaluator", "val_evaluator"),
    }
)

# Names under which a running average of the generator's weights is filed.
AVERAGES = frozenset({"G_ema", "g_ema", "ema", "netG_ema", "generator_average", "params_ema"})

_DISCRIMINATOR = "a discriminator, which judges pictures; the generator, which fills them"
_FEATURES = "a feature network, with which others are trained; an inpainting generator"

# Keys that together give a network away, and what it is.
_MARKS = (
    (("model0.0.weight", "model1.0.weight"), _DISCRIMINATOR),
    (("conv1.0.weight_orig", "conv5.0.weight_orig"), _DISCRIMINATOR),
    (("conv1.0.weight", "conv5.0.weight"), _DISCRIMINATOR),
    (("conv1.conv_sn.weight_orig", "conv6.conv_sn.weight_orig"), _DISCRIMINATOR),
    (("conv.0.weight_orig", "conv.2.weight_orig"), _DISCRIMINATOR),
    (("b4.out.weight", "b8.conv0.weight"), _DISCRIMINATOR),
    (("b4.conv.weight", "b8.conv0.weight"), _DISCRIMINATOR),
    (("features.0.weight", "features.2.weight"), _FEATURES),
    (("features.0.weight", "features.3.squeeze.weight"), _FEATURES),
    (("conv1.weight", "layer1.0.conv1.weight"), _FEATURES),
    (("Conv2d_1a_3x3.conv.weight",), _FEATURES),
)
_MOMENTS = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer", "step")


def companion_of(shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """What these tensors are if they are no generator: a clause that ends in what is wanted.

    Args:
        shapes: Shape of every tensor by name, wrappers stripped.

    Returns:
        Such as "a discriminator, which judges pictures; the generator, which fills them"; None
        where nothing is recognised.
    """
    for marks, what in _MARKS:
        if all(mark in shapes for mark in marks):
            return what
    judged = [shape for key, shape in shapes.items() if key.startswith("main.") and len(shape) == 4]
    if judged and judged[-1][0] == 1 and judged[0][1] in (1, 3, 4):
        return _DISCRIMINATOR
    if shapes and all(key.rpartition(".")[2] in _MOMENTS for key in shapes):
        return "the state of an optimiser; the weights themselves"
    return None
