"""Published figures, printed beside ours.

Nazeri, Ng and Ebrahimi 2018, "Image Colorization using Generative Adversarial Networks", arXiv 1803.05400,
measured as `cgan_train.evaluation.metrics.Quality` defines mae, accuracy_2 and accuracy_5.
"""

from __future__ import annotations

from dataclasses import dataclass

REMARK = (
    "Reported: Nazeri et al. 2018. Of these figures only the MAE of the GAN on CIFAR-10 (5.1 %) is confirmed "
    "in public by the authors (issue 13 of ImagingLab/Colorizing-with-GANs); the others are from memory, to "
    "be checked with the paper. The paper's network predicts lightness too."
)


@dataclass(frozen=True)
class Reported:
    """One published row, in percent, the recipe here that follows it, and the figures confirmed in public."""

    what: str
    recipe: str
    mae: float
    accuracy_2: float
    accuracy_5: float
    confirmed: tuple[str, ...] = ()


REPORTED = (
    Reported("CIFAR-10, GAN", "paper", 5.1, 24.1, 65.5, confirmed=("mae",)),
    Reported("CIFAR-10, U-Net", "paper-unet", 7.9, 13.7, 37.2),
    Reported("Places365, GAN", "places", 7.5, 18.3, 47.3),
)
