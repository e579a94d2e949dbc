"""The base class of all generators: lightness in, chroma out."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from cgan_runtime.errors import ConfigError
from cgan_train.models.guided_upsampling import upsample_guided


class Generator(nn.Module, ABC):
    """A network that predicts chroma from lightness.

    `forward` takes L*/50 - 1, float (N, 1, H, W) in [-1, 1], and returns (a*, b*)/110, (N, 2, H, W) in
    [-1, 1]: the contract of the runtime's back ends. A generator implements `predict`.

    Attributes:
        size_multiple: H and W are multiples of this.
        stride: `predict` returns chroma at 1/stride of the input's size; the losses are taken there.
        outputs: Channels that `predict` returns: 2 for chroma, 3 for lightness and chroma.
        guided: Whether `forward` takes hints and memory too, and returns keys (`GuidedGenerator`).
    """

    guided = False

    def __init__(self, size_multiple: int, stride: int = 1, outputs: int = 2) -> None:
        super().__init__()
        self.size_multiple = size_multiple
        self.stride = stride
        self.outputs = outputs

    @abstractmethod
    def predict(self, lightness: Tensor) -> Tensor:
        """Predict at the generator's own resolution, (N, outputs, H/stride, W/stride)."""

    def forward(self, lightness: Tensor) -> Tensor:
        """Predict chroma at the input's size, (N, 2, H, W)."""
        chroma = self.predict(lightness)
        if self.outputs > 2:
            chroma = chroma[:, -2:]
        return chroma if self.stride == 1 else upsample_guided(chroma, lightness)

    def freeze(self, blocks: int) -> None:
        """Keep the first `blocks` blocks of a pretrained encoder as they are; without one, do nothing."""

    def pretrained(self) -> list[nn.Parameter]:
        """The parameters of a pretrained encoder; without one, none."""
        return []

    def load_imagenet(self) -> None:
        """Load ImageNet weights into the encoder; raises ConfigError if there is none."""
        raise ConfigError("this generator has no ImageNet encoder; use --encoder-weights none")


def init_gan_weights(module: nn.Module, std: float = 0.02) -> None:
    """Draw convolution and linear weights from N(0, std), BatchNorm scales from N(1, std).

    The initialization of DCGAN (Radford et al. 2015, arXiv 1511.06434, section 3).
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(part.weight, 0.0, std)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1.0, std)
            nn.init.zeros_(part.bias)
