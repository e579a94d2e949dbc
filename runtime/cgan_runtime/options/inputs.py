"""What a name on the command line of `cgan-run` is: a video, an image, a folder, or an address.

place = clean_place("'/home/me/my video.mp4'")      # as terminals and file managers paste it
kind = kind_of(place)
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from cgan_runtime.files.formats import IMAGES
from cgan_runtime.files.image_sequence import ImageSequence
from cgan_runtime.files.urls import SCHEMES, is_url

Kind = Literal["video", "image", "folder"]


def clean_place(text: str) -> str:
    """A name without the quotes of drag and drop, and a path in place of a file:// address."""
    with suppress(OSError, ValueError):
        if Path(text).exists():
            return text
    bare = text.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "'\"":
        bare = bare[1:-1]
    address = urlsplit(bare) if bare.lower().startswith("file:") else None
    if address is not None:
        path = unquote(address.path)
        return path[1:] if path[2:3] == ":" else path  # file:///C:/in.mp4
    return bare


def kind_of(place: str) -> Kind:
    """What a name means, by what is there, else by its suffix."""
    if is_url(place):
        return "video" if place.partition(":")[0].lower() in SCHEMES else "folder"
    path = Path(place)
    if path.is_dir():
        return "folder"
    if path.suffix.lower() in IMAGES and (path.exists() or ImageSequence.of(path) is None):
        return "image"
    return "video"
