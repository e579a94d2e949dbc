"""A generator of your own: a small U-Net in plain PyTorch, without anything of cgan in it.

cgan-train --data photos/ --generator examples/own_generator.py:Net --recipe places --out runs/net
cgan-export runs/net --generator examples/own_generator.py:Net -o exported/
cgan-run --video in.mp4 --model exported/Net.onnx
cgan-bench --checkpoint runs/net --generator examples/own_generator.py:Net

python examples/own_generator.py exported/       # exports it as it is here, with random weights
"""

import sys

import torch
from torch import nn


class Net(nn.Module):
    """Takes lightness, L*/50 - 1, (N, 1, H, W); returns chroma, (a*, b*)/110, (N, 2, H, W), both in [-1, 1]."""

    def __init__(self, widths: tuple[int, ...] = (16, 32)) -> None:
        super().__init__()
        fine, coarse = widths
        self.down = nn.Sequential(nn.Conv2d(1, fine, 3, padding=1), nn.BatchNorm2d(fine), nn.ReLU())
        self.middle = nn.Sequential(nn.Conv2d(fine, coarse, 4, 2, 1), nn.BatchNorm2d(coarse), nn.ReLU())
        self.up = nn.Sequential(nn.ConvTranspose2d(coarse, fine, 4, 2, 1), nn.ReLU())
        self.head = nn.Conv2d(2 * fine, 2, 1)

    def forward(self, lightness: torch.Tensor) -> torch.Tensor:
        """Predict chroma."""
        x = self.down(lightness)
        return torch.tanh(self.head(torch.cat((x, self.up(self.middle(x))), dim=1)))


if __name__ == "__main__":
    from cgan_export import export

    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    (model,) = export(f"{__file__}:Net", sys.argv[1])
    print(model.path, model.findings)
