"""cgan training: conditional-GAN colorizers in PyTorch.

from cgan_train import TrainSettings, train

checkpoint = train("photos/", "runs/mine", settings=TrainSettings(overrides={"epochs": 10}))
"""

TYPE_CHECKING = False  # mypy knows the name; to load `typing` would take a while
if TYPE_CHECKING:
    from cgan_train.run import TrainSettings, train

__all__ = ["TrainSettings", "train"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cgan_train import run

    return getattr(run, name)
