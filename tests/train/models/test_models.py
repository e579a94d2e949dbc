"""All generators fulfill the contract of the back ends; discriminators, encoder and convolutions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch

from cgan_runtime.errors import ConfigError
from cgan_train.config.schema import DiscriminatorConfig, GeneratorConfig
from cgan_train.models import GENERATORS, build_discriminator, build_generator
from cgan_train.models.edge import EdgeGenerator
from cgan_train.models.encoder import TAP_CHANNELS, LiteEncoder
from cgan_train.models.matmul_conv import MatmulConv2d, MatmulConvTranspose2d

SMALL = {"seed": (8, 16, 16), "paper": (8, 8, 16, 16), "edge": (16, 16, 24, 32), "guided": (16, 16, 24, 32)}


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("steps", [(1, 1), (1, 2), (3, 2)])
def test_shapes_and_range(name: str, steps: tuple[int, int]) -> None:
    generator = build_generator(GeneratorConfig(name, size=64, widths=SMALL[name])).eval()
    height, width = (step * generator.size_multiple for step in steps)
    lightness = torch.rand(2, 1, height, width) * 2 - 1
    with torch.no_grad():
        chroma = generator(lightness)
        own = generator.predict(lightness)
    assert chroma.shape == (2, 2, height, width)
    assert own.shape == (2, 2, height // generator.stride, width // generator.stride)
    assert chroma.abs().max() <= 1


@pytest.mark.parametrize("name", GENERATORS)
def test_images_of_a_batch_are_independent(name: str) -> None:
    generator = build_generator(GeneratorConfig(name, size=64, widths=SMALL[name])).eval()
    lightness = torch.rand(3, 1, 64, 64) * 2 - 1
    with torch.no_grad():
        together = generator(lightness)
        alone = torch.cat([generator(lightness[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_published_widths() -> None:
    seed = build_generator(GeneratorConfig("seed", 32, (64, 128, 256, 512, 1024)))
    paper = build_generator(GeneratorConfig("paper", 32, (64, 128, 256, 512, 512)))
    assert (seed.size_multiple, paper.size_multiple) == (16, 16)
    dropouts = [part.p for part in paper.modules() if isinstance(part, torch.nn.Dropout)]
    assert dropouts == [0.5, 0.5]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (GeneratorConfig("unet", 32, (8,)), "no generator"),
        (GeneratorConfig("edge", 256, (8, 8)), "widths"),
        (GeneratorConfig("edge", 250, (8, 8, 8, 8)), "multiples of 32"),
    ],
)
def test_wrong_configs_are_refused(config: GeneratorConfig, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build_generator(config)


@pytest.mark.parametrize(("name", "shape"), [("patch", (2, 1, 8, 8)), ("seed", (2, 1))])
def test_logits_of_patches_and_of_images(name: str, shape: tuple[int, ...]) -> None:
    discriminator = build_discriminator(DiscriminatorConfig(name, (8, 16)))  # type: ignore[arg-type]
    assert discriminator(torch.zeros(2, 3, 32, 32))[-1].shape == shape


def test_encoder_features() -> None:
    features = LiteEncoder().eval()(torch.zeros(1, 1, 64, 96))
    assert [tuple(f.shape[1:]) for f in features] == [
        (channels, 64 // stride, 96 // stride) for channels, stride in zip(TAP_CHANNELS, (2, 4, 8, 16, 32), strict=True)
    ]


@torch.no_grad()
def test_frozen_blocks_compute_the_same() -> None:
    encoder, other = (LiteEncoder(2).train() for _ in range(2))
    for norm in (
        part for each in (encoder, other) for part in each.modules() if isinstance(part, torch.nn.BatchNorm2d)
    ):
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)  # type: ignore[arg-type]
        torch.nn.init.uniform_(norm.running_mean, -0.5, 0.5)  # type: ignore[arg-type]
        torch.nn.init.uniform_(norm.running_var, 0.5, 2)  # type: ignore[arg-type]
    x = torch.rand(2, 1, 32, 32) * 2 - 1
    for weights in (encoder.state_dict(), other.state_dict()):  # the second ones come when it is frozen already
        encoder.freeze(99)
        encoder.load_state_dict(weights)
        frozen = encoder(x)
        encoder.freeze(0)
        for one, two in zip(frozen, encoder.eval()(x), strict=True):
            torch.testing.assert_close(one, two, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_encoder_in_bfloat16_keeps_depthwise_convolutions_in_float32() -> None:
    encoder, x = LiteEncoder(2).eval(), torch.rand(2, 1, 32, 32) * 2 - 1
    types: dict[bool, set[torch.dtype]] = {False: set(), True: set()}  # of what convolutions give, by being depthwise
    for part in encoder.modules():
        if isinstance(part, torch.nn.Conv2d):
            part.register_forward_hook(lambda conv, _, y: types[conv.groups > 1].add(y.dtype))
    expected = encoder(x)
    types[False].clear()
    with torch.autocast("cpu", torch.bfloat16):
        found = encoder(x)
    assert types == {False: {torch.bfloat16}, True: {torch.float32}}
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one.float(), two, atol=0.05 * float(two.std()), rtol=0.05)


def test_imagenet_weights_fill_the_encoder() -> None:
    encoder = LiteEncoder()
    before = encoder.stem.conv.weight.detach().clone()
    encoder.load_imagenet()  # strict: every name must fit
    assert not torch.equal(before, encoder.stem.conv.weight)
    assert (encoder.stem.norm.running_var > 0).sum() > 24  # some channels of the published net are dead


def test_frozen_blocks_do_not_change() -> None:
    generator = EdgeGenerator((16, 16, 24, 32))
    generator.freeze(3)
    generator.train()
    before = {k: v.clone() for k, v in generator.encoder.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in generator.parameters() if p.requires_grad], lr=0.1)
    generator.predict(torch.rand(2, 1, 64, 64)).square().sum().backward()
    optimizer.step()
    changed = {k for k, v in generator.encoder.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert not [k for k in changed if k.startswith(("stem", "blocks.0.", "blocks.1.", "blocks.2."))]
    assert any(k.startswith("blocks.3.") for k in changed)
    generator.freeze(0)
    assert all(p.requires_grad for p in generator.parameters())


def test_lab_generator_returns_its_chroma() -> None:
    torch.manual_seed(0)
    generator = build_generator(GeneratorConfig("paper", 32, (8, 16), channels="lab")).eval()
    lightness = torch.rand(2, 1, 32, 32) * 2 - 1
    assert generator.predict(lightness).shape == (2, 3, 32, 32)
    assert torch.equal(generator(lightness), generator.predict(lightness)[:, 1:])
    with pytest.raises(ConfigError, match="lab"):
        build_generator(GeneratorConfig("seed", 32, (8, 16), channels="lab"))


def test_discriminators_of_two_scales_see_the_image_and_its_half() -> None:
    config = DiscriminatorConfig("patch", (8, 16), spectral_norm=True)
    one, two = (build_discriminator(dataclasses.replace(config, scales=scales)).eval() for scales in (1, 2))
    image = torch.rand(2, 3, 32, 32)
    features, half = two(image), torch.nn.functional.avg_pool2d(image, 2)
    large, small = (judge(seen) for judge, seen in zip(two.judges, (image, half), strict=True))
    assert len(features) == 2 * len(one(image)) - 1
    assert features[-1].shape == (2, large[-1][0].numel() + small[-1][0].numel())
    torch.testing.assert_close(features[-1][:, -small[-1][0].numel() :], small[-1].flatten(1))


def test_spectral_norm_bounds_every_layer() -> None:
    config = DiscriminatorConfig("patch", (8, 16), spectral_norm=True)
    discriminator = build_discriminator(config, 4).train()
    image = torch.randn(2, 4, 32, 32)
    for _ in range(30):  # power iteration, once a pass
        logits = discriminator(image)[-1]
    assert logits.shape == (2, 1, 8, 8)
    for part in discriminator.modules():
        if isinstance(part, torch.nn.Conv2d):
            largest = torch.linalg.matrix_norm(part.weight.flatten(1), ord=2)
            assert float(largest.detach()) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    "convolve",
    [
        MatmulConv2d(6, 10, 4, 2, padding=1, bias=False),
        MatmulConv2d(6, 10, 3, padding=1),
        MatmulConvTranspose2d(6, 10, 4, 2, padding=1, bias=False),
        MatmulConvTranspose2d(6, 10, 3, 2, padding=1, output_padding=1),
    ],
    ids=str,
)
@pytest.mark.parametrize(("height", "width"), [(2, 2), (4, 4), (2, 4), (4, 2), (3, 4), (4, 8), (8, 8)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_matrix_product_equals_direct_convolution(
    convolve: MatmulConv2d | MatmulConvTranspose2d, height: int, width: int, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    convolve.to(memory_format=layout)  # type: ignore[call-overload]
    image = torch.randn(3, 6, height, width, requires_grad=True)
    results = []
    for training in (True, False):  # as one product, and directly
        convolve.train(training).zero_grad()
        image.grad = None
        result = convolve(image)
        (result**2).sum().backward()
        results.append((result.detach(), image.grad, convolve.weight.grad))
    for tiny, plain in zip(*results, strict=True):
        assert tiny is not None
        assert plain is not None
        assert torch.allclose(tiny, plain, atol=1e-4)


@pytest.mark.parametrize(
    "convolve", [MatmulConv2d(6, 10, 3, padding=1), MatmulConvTranspose2d(6, 10, 4, 2, padding=1)], ids=str
)
def test_compilers_see_plain_convolutions(convolve: MatmulConv2d | MatmulConvTranspose2d) -> None:
    seen: list[torch.fx.GraphModule] = []

    def backend(graph: torch.fx.GraphModule, _: list[torch.Tensor]) -> Callable[..., Any]:
        seen.append(graph)
        return graph.forward

    torch.compile(convolve.train(), backend=backend)(torch.randn(1, 6, 2, 2))
    called = [str(node.target) for graph in seen for node in graph.graph.nodes if node.op == "call_function"]
    assert len(called) == 1
    assert "conv" in called[0]
