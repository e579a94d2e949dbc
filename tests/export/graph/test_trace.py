"""What a generator is made into before it is traced."""

from __future__ import annotations

import pytest
import torch
from tests.checkpoints import EDGE, PAPER, lively_generator
from torch import nn

from cgan_export.graph import trace


def norms(module: nn.Module) -> int:
    return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())


@pytest.mark.parametrize("freeze", [0, 99])
@torch.no_grad()
def test_the_encoder_is_simplified_in_a_copy(freeze: int) -> None:
    generator = lively_generator(EDGE)
    generator.freeze(freeze)
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    simple = trace._simplified(generator)
    assert (norms(generator), norms(simple)) == (52, 4)
    lightness = torch.rand(1, 1, 64, 96) * 2 - 1
    torch.testing.assert_close(simple(lightness), generator(lightness), atol=1e-4, rtol=0)
    assert simple(lightness).std() > 0.01
    assert before.keys() == generator.state_dict().keys()
    assert all(torch.equal(tensor, before[name]) for name, tensor in generator.state_dict().items())


def test_other_generators_are_traced_as_they_are() -> None:
    generator = lively_generator(PAPER)
    assert trace._simplified(generator) is generator
