"""Weights that others have published: what each is for, where it is and on what terms.

A list to read, not to fetch from: this package never goes to the network. Whoever has obtained one
of these files makes it usable with ``heritage models import FILE``, which recognises it by its
contents. Licences are those that the projects state; a museum decides for itself whether its use
is covered. File names are information only. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_YU = "Yu et al., Free-Form Image Inpainting with Gated Convolution, ICCV 2019"
_LAMA = (
    "Suvorov et al., Resolution-robust Large Mask Inpainting with Fourier Convolutions, WACV 2022"
)
_MIGAN = (
    "Sargsyan et al., MI-GAN: A Simple Baseline for Image Inpainting on Mobile Devices, ICCV 2023"
)
_COMODGAN = (
    "Zhao et al., Large Scale Image Completion via Co-Modulated Generative Adversarial Networks, "
    "ICLR 2021"
)
_MIGAN_SOURCE = "https://github.com/Picsart-AI-Research/MI-GAN"


@dataclass(frozen=True)
class PublishedWeights:
    """Weights of one network as its authors gave them away.

    Attributes:
        key: A short name, proposed for ``--as``.
        architecture: Name for ``models.create``.
        purpose: One sentence for the person who chooses.
        paper: Where the method was published.
        source: The page of the project that links to the files.
        files: Their names there; several where one needs several.
        trained_on: The pictures that the weights were trained on; one set of files for each.
        licence: SPDX identifier or name of the terms of the weights.
        code_licence: The same for the project's code.
        parameters: Learned values.
        parts: The same for each file, where one network is in several and a part is of use.
        config: Arguments for ``models.create`` where they are not the defaults.
        remark: What else a reader of the licence should know.
        sha256: By file name, of those that somebody here has held in hands; empty otherwise.
    """

    key: str
    architecture: str
    purpose: str
    paper: str
    source: str
    files: tuple[str, ...]
    trained_on: tuple[str, ...]
    licence: str
    code_licence: str
    parameters: int
    parts: tuple[int, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """How to make the files usable once they are there."""
        return f"heritage models import {' '.join(self.files)} --as {self.key}"


PUBLISHED = (
    PublishedWeights(
        key="big-lama",
        architecture="lama",
        purpose="Large losses in pictures of any size: repeating structure, frames, textiles.",
        paper=_LAMA,
        source="https://github.com/advimman/lama",
        files=("best.ckpt",),
        trained_on=("Places Challenge",),
        licence="Apache-2.0",
        code_licence="Apache-2.0",
        parameters=50_975_875,
        remark="The TorchScript file big-lama.pt holds the same network. That the repository's "
        "licence covers the weights is the authors' word in its issue 230.",
    ),
    PublishedWeights(
        key="lama-fourier",
        architecture="lama",
        purpose="As big-lama at half the size; also in a version for faces.",
        paper=_LAMA,
        source="https://github.com/advimman/lama",
        files=("best.ckpt",),
        trained_on=("Places2", "CelebA-HQ"),
        licence="Apache-2.0",
        code_licence="Apache-2.0",
        parameters=27_048_835,
        config={"n_blocks": 9},
        remark="That the repository's licence covers the weights is the authors' word in its "
        "issue 230.",
    ),
    PublishedWeights(
        key="migan-512",
        architecture="migan",
        purpose="Small and medium losses, quickly: the choice for machines without a GPU.",
        paper=_MIGAN,
        source=_MIGAN_SOURCE,
        files=("migan_512_places2.pt",),
        trained_on=("Places2",),
        licence="MIT",
        code_licence="MIT",
        parameters=5_973_366,
        config={"resolution": 512},
    ),
    PublishedWeights(
        key="migan-256",
        architecture="migan",
        purpose="As migan-512 with a smaller view; also in a version for faces.",
        paper=_MIGAN,
        source=_MIGAN_SOURCE,
        files=("migan_256_places2.pt",),
        trained_on=("Places2", "FFHQ"),
        licence="MIT",
        code_licence="MIT",
        parameters=5_943_617,
        config={"resolution": 256},
    ),
    PublishedWeights(
        key="aot-gan",
        architecture="aotgan",
        purpose="Large losses with much texture around them.",
        paper="Zeng et al., Aggregated Contextual Transformations for High-Resolution Image "
        "Inpainting, IEEE TVCG 2022",
        source="https://github.com/researchmm/AOT-GAN-for-Inpainting",
        files=("G0000000.pt",),
        trained_on=("Places2", "CelebA-HQ"),
        licence="Apache-2.0",
        code_licence="Apache-2.0",
        parameters=15_200_835,
    ),
    PublishedWeights(
        key="edgeconnect",
        architecture="edgeconnect",
        purpose="Losses that interrupt drawing: outlines are continued first, then coloured.",
        paper="Nazeri et al., EdgeConnect: Generative Image Inpainting with Adversarial Edge "
        "Learning, ICCV Workshops 2019",
        source="https://github.com/knazeri/edge-connect",
        files=("EdgeModel_gen.pth", "InpaintingModel_gen.pth"),
        trained_on=("Places2", "CelebA", "Paris Street View"),
        licence="CC-BY-NC-4.0",
        code_licence="CC-BY-NC-4.0",
        parameters=21_535_684,
        parts=(10_761_089, 10_774_595),
        remark="Not for commercial use.",
    ),
    PublishedWeights(
        key="deepfillv2",
        architecture="deepfillv2",
        purpose="Free-form losses: copies suitable texture from the rest of the picture.",
        paper=_YU,
        source="https://github.com/nipponjo/deepfillv2-pytorch",
        files=("states_pt_places2.pth",),
        trained_on=("Places2", "CelebA-HQ"),
        licence="CC-BY-NC-4.0",
        code_licence="none stated",
        parameters=4_052_478,
        remark="Not for commercial use. Fine-tuned from the official TensorFlow weights, whose "
        "terms are given here; the port itself states none.",
    ),
    PublishedWeights(
        key="deepfillv2-tf",
        architecture="deepfillv2-tf",
        purpose="As deepfillv2, with the official TensorFlow weights and their padding.",
        paper=_YU,
        source="https://github.com/JiahuiYu/generative_inpainting",
        files=("snap-0.index",),
        trained_on=("Places2", "CelebA-HQ"),
        licence="CC-BY-NC-4.0",
        code_licence="CC-BY-NC-4.0",
        parameters=4_052_478,
        remark="Not for commercial use. The same weights as a torch file, states_tf_places2.pth: "
        "https://github.com/nipponjo/deepfillv2-pytorch",
    ),
    PublishedWeights(
        key="comodgan-512",
        architecture="comodgan",
        purpose="Very large losses: invents freely, and a different proposal for every seed.",
        paper=_COMODGAN,
        source=_MIGAN_SOURCE,
        files=("comodgan_512_places2.pt",),
        trained_on=("Places2",),
        licence="Nvidia Source Code License-NC",
        code_licence="Nvidia Source Code License-NC",
        parameters=79_792_231,
        config={"resolution": 512},
        remark="Research and evaluation only. PyTorch weights; the original TensorFlow ones are "
        "pickles that run code when opened: https://github.com/zsyzzsoft/co-mod-gan",
    ),
    PublishedWeights(
        key="comodgan-256",
        architecture="comodgan",
        purpose="As comodgan-512 with a smaller view; also in a version for faces.",
        paper=_COMODGAN,
        source=_MIGAN_SOURCE,
        files=("comodgan_256_places2.pt",),
        trained_on=("Places2", "FFHQ"),
        licence="Nvidia Source Code License-NC",
        code_licence="Nvidia Source Code License-NC",
        parameters=79_177_378,
        config={"resolution": 256},
        remark="Research and evaluation only.",
    ),
    PublishedWeights(
        key="context-encoder",
        architecture="context-encoder",
        purpose="The first of its kind, for comparison: fills the centre of a 128-pixel square.",
        paper="Pathak et al., Context Encoders: Feature Learning by Inpainting, CVPR 2016",
        source="https://github.com/BoyuanJiang/context_encoder_pytorch",
        files=("netG_streetview.pth",),
        trained_on=("Paris Street View",),
        licence="MIT",
        code_licence="MIT",
        parameters=71_124_544,
    ),
)


def published_as(architecture: str, parameters: int) -> PublishedWeights | None:
    """The entry whose network this is, told from its architecture and number of parameters.

    Contents cannot tell published weights from somebody's fine-tune of them; only a network of
    other widths or depths is certain to be none of the list.
    """
    for entry in PUBLISHED:
        if entry.architecture == architecture and parameters in (entry.parameters, *entry.parts):
            return entry
    return None
