"""URLs: what is one, which are streams, and what is shown of them."""

from __future__ import annotations

import pytest

from cgan_runtime.errors import MediaError
from cgan_runtime.files.urls import check_stream, is_url, without_credentials


@pytest.mark.parametrize("text", ["s3://bucket/videos", "RTSP://host/1", "file:///a", "simplecache::s3://a/b"])
def test_urls(text: str) -> None:
    assert is_url(text)


@pytest.mark.parametrize("text", ["video.mp4", "C:/a.mp4", "c://a.mp4", "a/b://c", "-", "http:/a"])
def test_paths(text: str) -> None:
    assert not is_url(text)


def test_only_streams_of_video_are_opened() -> None:
    assert check_stream("RTSP://host/1") == "RTSP://host/1"
    with pytest.raises(MediaError, match="file:// is no stream of video; use one of ftp, http"):
        check_stream("file:///etc/passwd")


def test_credentials_are_not_shown() -> None:
    assert without_credentials("rtsp://me:secret@host/1") == "rtsp://host/1"
    assert without_credentials("rtsp://host/a@b") == "rtsp://host/a@b"
