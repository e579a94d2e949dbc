"""The guided generator: an empty guide changes nothing, what is remembered is recalled, and it can be trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from cgan_runtime.errors import ConfigError
from cgan_train.config.schema import GeneratorConfig
from cgan_train.data.guides import draw_guide, second_views
from cgan_train.models import build_generator
from cgan_train.models.guided import (
    KEY_CHANNELS,
    MEMORY_COLUMNS,
    GuidedGenerator,
    rows_of_hints,
    rows_of_memory,
    sharpness_of_hints,
)

WIDTHS = (8, 12, 16, 24)


@pytest.fixture(scope="module")
def generator() -> GuidedGenerator:
    torch.manual_seed(0)
    built = build_generator(GeneratorConfig("guided", 64, WIDTHS)).eval()
    assert isinstance(built, GuidedGenerator)
    for added in (*built.hinted, *built.recalled):
        torch.nn.init.normal_(added.weight, 0, 0.3)
    return built


def lightness(count: int = 2, height: int = 64, width: int = 96) -> Tensor:
    return torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


@torch.no_grad()
def test_an_empty_guide_changes_nothing(generator: GuidedGenerator) -> None:
    seen = lightness()
    chroma, keys = generator(seen, torch.zeros(2, 3, 16, 24), torch.zeros(2, 7, MEMORY_COLUMNS))
    assert torch.equal(chroma, generator(seen))
    assert keys.shape == (2, KEY_CHANNELS, 8, 12)
    torch.testing.assert_close(keys.norm(dim=1), torch.ones(2, 8, 12), atol=1e-3, rtol=0)


@torch.no_grad()
def test_a_decoder_that_ends_at_an_eighth_takes_the_same_guide() -> None:
    small = build_generator(GeneratorConfig("guided", 64, (8, 12, 16))).eval()
    assert small.stride == 8
    torch.nn.init.normal_(small.hinted[0].weight, 0, 0.3)  # type: ignore[union-attr, arg-type]
    torch.nn.init.normal_(small.recalled[1].weight, 0, 0.3)  # type: ignore[union-attr, arg-type]
    seen, hints, memory = lightness(), torch.zeros(2, 3, 16, 24), torch.zeros(2, 7, MEMORY_COLUMNS)
    chroma, keys = small(seen, hints, memory)
    assert chroma.shape == (2, 2, 64, 96)
    assert keys.shape == (2, KEY_CHANNELS, 8, 12)
    assert torch.equal(chroma, small(seen))
    hints[0, :, 5, 7] = torch.tensor([0.4, -0.3, 1.0])
    assert not torch.allclose(small(seen, hints, memory)[0][0], chroma[0], atol=1e-4)


@torch.no_grad()
def test_half_precision_in_training_recalls_the_same(
    generator: GuidedGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generator.sharpness, "data", torch.tensor(30.0).log())
    keys = torch.randn(1, KEY_CHANNELS, 8, 12, generator=torch.Generator().manual_seed(3))
    keys = keys / keys.norm(dim=1, keepdim=True)
    chroma = torch.rand(1, 2, 8, 12, generator=torch.Generator().manual_seed(4))
    near = F.normalize(keys + 0.05 * torch.randn_like(keys), dim=1)
    rows = rows_of_memory(near, chroma, torch.ones(1, 1, 8, 12), torch.ones(1, 1, 8, 12))
    exact = generator.recall(keys, rows)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(generator.recall(keys, rows).float(), exact, atol=0.005, rtol=0.01)


def test_a_decoder_has_three_or_four_levels() -> None:
    with pytest.raises(ConfigError, match="three or four"):
        build_generator(GeneratorConfig("guided", 64, (8, 8)))


@torch.no_grad()
def test_places_that_look_alike_get_one_color(generator: GuidedGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A surface whose parts the decoder colors differently; beside it one of another lightness."""
    seen = torch.full((1, 1, 64, 128), 0.5)
    seen[..., 64:] = -0.5
    patches = torch.rand(1, 2, 4, 8, generator=torch.Generator().manual_seed(2)) * 0.4 - 0.2
    decided = F.interpolate(patches, scale_factor=4.0, mode="bilinear")
    decided[..., 16:] += 0.5
    monkeypatch.setattr(generator, "_decode", lambda features, added: decided)
    monkeypatch.setattr("cgan_train.models.guided._bolder", lambda chroma, _: chroma)
    settled = generator.predict(seen)
    for half in (slice(4, 12), slice(20, 28)):  # 32 pixels from each other and from the border
        before, after = (x[..., 4:-4, half] for x in (decided, settled))
        assert (after.std(dim=(2, 3)) < 0.3 * before.std(dim=(2, 3))).all()
        torch.testing.assert_close(after.mean(dim=(2, 3)), before.mean(dim=(2, 3)), atol=0.1, rtol=0)


@torch.no_grad()
def test_guessed_colors_are_bolder_if_strong_and_quieter_if_weak(
    generator: GuidedGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = torch.full((1, 1, 64, 96), -0.5)
    seen[..., 48:] = 0.5
    decided = torch.full((1, 2, 16, 24), 0.02)
    decided[..., 12:] = 0.3
    monkeypatch.setattr(generator, "_decode", lambda features, added: decided)
    bolder = generator.predict(seen)
    assert (bolder[..., 2:8] < 0.9 * decided[..., 2:8]).all()
    assert (bolder[..., 16:22] > 1.05 * decided[..., 16:22]).all()
    assert (bolder.diff(dim=3)[..., 2:22] >= -1e-4).all()  # what was stronger stays stronger
    monkeypatch.setattr(generator, "_confident", lambda found, keys: torch.ones(1, 3, 8, 12))
    known, _ = generator(seen, None, torch.zeros(1, 1, MEMORY_COLUMNS))  # whatever is known is not changed
    torch.testing.assert_close(known[..., 16:32], torch.full((1, 2, 64, 16), 0.02))
    torch.testing.assert_close(known[..., 64:80], torch.full((1, 2, 64, 16), 0.3))


@torch.no_grad()
def test_each_hint_changes_its_own_image_alone(generator: GuidedGenerator) -> None:
    seen, hints, memory = lightness(), torch.zeros(2, 3, 16, 24), torch.zeros(2, 1, MEMORY_COLUMNS)
    hints[0, :, 4:6, 7:9] = torch.tensor([0.4, -0.3, 1.0])[:, None, None]
    chroma, _ = generator(seen, hints, memory)
    automatic = generator(seen)
    assert not torch.allclose(chroma[0], automatic[0], atol=1e-3)
    torch.testing.assert_close(chroma[1], automatic[1])


@torch.no_grad()
def test_the_same_image_recalls_its_own_colors(generator: GuidedGenerator) -> None:
    keys = generator.keys_of(generator.encoder(lightness(1)))
    keys = torch.nn.functional.normalize(torch.randn(keys.shape, generator=torch.Generator().manual_seed(2)), dim=1)
    chroma = torch.rand(1, 2, 8, 12) - 0.5
    generator.sharpness.data.fill_(4.0)  # e^4: only the same key counts
    rows = rows_of_memory(keys, chroma, torch.ones(1, 1, 8, 12), torch.zeros(1, 1, 8, 12))
    recalled = generator.recall(keys, rows)
    assert recalled[:, 2].min() > 0.9
    torch.testing.assert_close(recalled[:, :2] / recalled[:, 2:], chroma, atol=0.05, rtol=0)
    nothing = generator.recall(keys, torch.cat((rows[..., :-1], torch.zeros(1, 96, 1)), dim=2))
    assert torch.equal(nothing, torch.zeros_like(nothing))


def test_a_hint_keeps_its_color_and_weight_among_rows() -> None:
    keys = torch.nn.functional.normalize(torch.randn(1, KEY_CHANNELS, 8, 12), dim=1)
    hints = torch.zeros(1, 3, 16, 24)
    hints[0, :, 5, 9] = torch.tensor([0.4, -0.2, 1.0])
    rows = rows_of_hints(keys, hints)
    assert rows.shape == (1, 24, MEMORY_COLUMNS)
    (found,) = rows[0][rows[0, :, -1] > 0]
    torch.testing.assert_close(found[-3:], torch.tensor([0.4, -0.2, 1.0]), atol=1e-4, rtol=0)
    torch.testing.assert_close(found[:KEY_CHANNELS], keys[0, :, 2, 4], atol=1e-3, rtol=0)
    assert abs(found[KEY_CHANNELS] - (1 + 0.5) / 4) < 1e-6  # the second of four rows of cells


def test_one_hint_speaks_for_more_than_each_of_many() -> None:
    def found(count: int) -> Tensor:
        rows = torch.zeros(1, 200, MEMORY_COLUMNS)
        rows[0, :count, -1] = 1
        return sharpness_of_hints(rows)

    sharpness = [float(found(count)[0, 0]) for count in (1, 10, 100)]
    assert found(1).shape == (1, 200, 1)
    assert 0.3 < sharpness[0] < sharpness[1] < sharpness[2] < 1


@torch.no_grad()
def test_a_single_hint_reaches_what_looks_somewhat_like_it(generator: GuidedGenerator) -> None:
    keys = torch.nn.functional.normalize(torch.randn(1, KEY_CHANNELS, 8, 12), dim=1)
    row = rows_of_memory(keys, torch.full((1, 2, 8, 12), 0.3), torch.ones(1, 1, 8, 12), torch.zeros(1, 1, 8, 12))[:, :1]
    sharp, soft = (generator.recall(keys, row, sharpness)[0, 2].flatten() for sharpness in (1.0, 0.5))
    torch.testing.assert_close(soft[0], sharp[0])  # the place itself is as sure as before
    assert (soft[1:] > sharp[1:]).all()


@torch.no_grad()
@pytest.mark.parametrize("widths", [(8, 8, 16, 16), (8, 16, 16)])
def test_what_the_network_does_not_say_of_a_hint_is_added_to_what_looks_alike(widths: tuple[int, ...]) -> None:
    guided = GuidedGenerator(widths).eval()  # untrained: hints do not reach its decoder
    seen, hints = lightness(1), torch.zeros(1, 3, 16, 24)
    seen[..., 48:] = -seen[..., :48].flip(3)  # the halves look different
    hints[0, :, 4:8, 4:8] = torch.tensor([0.4, -0.3, 1.0])[:, None, None]
    chroma, keys = guided(seen, hints)
    change = (chroma - guided(seen)).norm(dim=1)[0]
    there = chroma[0, :, 20:28, 20:28].mean(dim=(1, 2))
    torch.testing.assert_close(there, torch.tensor([0.4, -0.3]), atol=0.05, rtol=0)
    here = keys[0, :, 2:4, 2:4].mean(dim=(1, 2))
    like = (keys[0] * here[:, None, None]).sum(dim=0).flatten()
    order = torch.nn.functional.avg_pool2d(change[None], 8).flatten()[like.argsort()]
    assert order[-24:].mean() > order[:24].mean()
    assert chroma.abs().max() <= 1


@torch.no_grad()
def test_a_hint_counts_less_where_the_image_is_lighter() -> None:
    guided = GuidedGenerator((8, 8, 16, 16)).eval()
    guided.key.weight.zero_()  # all places have the same key: only lightness tells them apart
    seen, hints = torch.full((1, 1, 64, 96), -0.2), torch.zeros(1, 3, 16, 24)
    seen[..., 32:64], seen[..., 64:] = 0.1, 0.6
    hints[0, :, 6:10, 2:4] = torch.tensor([0.4, -0.3, 1.0])[:, None, None]
    change = (guided(seen, hints)[0] - guided(seen)).norm(dim=1)[0, 24:40]
    own, lighter, light = (float(part.mean()) for part in (change[:, 4:28], change[:, 36:60], change[:, 68:]))
    assert own > 1.1 * lighter > 10 * light


def test_guides_of_a_batch_fit_the_images_that_they_remember() -> None:
    rng = torch.Generator().manual_seed(3)
    rgb, near = second_views(torch.rand(8, 3, 64, 64, generator=rng), rng)
    assert rgb.shape == (8, 3, 64, 64)
    assert len(near) == 2
    chroma = torch.rand(8, 2, 16, 16, generator=rng) - 0.5
    guide, colors = draw_guide(chroma, near, share=1.0, rng=rng)
    assert guide.hints.shape == (8, 3, 16, 16)
    assert guide.who[:2, 0].tolist() == [6, 7]
    assert guide.who[6:, 0].tolist() == [0, 1]
    assert not (guide.who[:, 1] == torch.arange(8)).any()
    assert (guide.weight[2:6, 0] == 0).all()  # they have no other view
    torch.testing.assert_close(colors.norm(dim=1), chroma.norm(dim=1))  # turned at most, never faded
    full = guide.hints[:, 2] == 1
    assert full.any()
    assert float((guide.hints[:, :2] - colors)[full[:, None].expand(-1, 2, -1, -1)].abs().mean()) < 0.3


def test_without_a_share_nothing_is_guided() -> None:
    rng = torch.Generator().manual_seed(4)
    _, near = second_views(torch.rand(8, 3, 32, 32, generator=rng), rng)
    chroma = torch.rand(8, 2, 8, 8, generator=rng)
    guide, colors = draw_guide(chroma, near, share=0.0, rng=rng)
    assert not guide.hints.any()
    assert float(guide.weight[:, 1].sum()) == 0
    assert np.isfinite(colors.numpy()).all()


@pytest.mark.parametrize("count", [1, 3])
def test_small_batches_have_hints_alone(count: int) -> None:
    rng = torch.Generator().manual_seed(5)
    rgb, near = second_views(torch.rand(count, 3, 32, 32, generator=rng), rng)
    guide, _ = draw_guide(torch.rand(count, 2, 8, 8, generator=rng), near, share=1.0, rng=rng)
    assert len(rgb) == count
    assert guide.hints.shape == (count, 3, 8, 8)
    assert float(guide.weight[:, 0].sum()) == 0
