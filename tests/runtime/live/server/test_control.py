"""Cameras, snapshots, recordings and the size of a camera, as a page asks for them."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import cv2
import numpy as np
import pytest
from tests.runtime.live.serving import TIMEOUT, Server, chroma_of, client, frame_of, jpeg, serving
from tests.videos import read_frames


@pytest.fixture(scope="module")
def two(video: Path) -> Iterator[Server]:
    """A server of two cameras, of which only the second one has a name of its own."""
    with serving("--webcam", video, "--webcam", f"door={video}", "--size", "64") as server:
        yield server


async def ask(session: aiohttp.ClientSession, method: str, path: str, **body: Any) -> tuple[int, Any]:
    """The status and the JSON of an answer."""
    async with session.request(method, path, json=body or None) as answer:
        return answer.status, await answer.json() if answer.content_type == "application/json" else await answer.read()


async def status_of(ws: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """The next status; frames before it are confirmed."""
    while True:
        message = await ws.receive(TIMEOUT)
        if message.type is aiohttp.WSMsgType.TEXT:
            if "status" in (text := json.loads(message.data)):
                return dict(text["status"])
        else:
            number, _, _ = struct.unpack_from("<Iff", message.data)
            await ws.send_str(json.dumps({"shown": number}))


def test_each_camera_has_its_stream(two: Server) -> None:
    async def look() -> list[dict[str, Any]]:
        async with client(two) as session:
            status, cameras = await ask(session, "GET", "/cameras")
            assert status == 200
            assert [(each["id"], each["name"], each["state"]) for each in cameras] == [
                ("0", "camera", "off"), ("1", "door", "off"),
            ]  # fmt: skip
            async with session.ws_connect("/live/view?camera=1") as ws:
                assert (await frame_of(ws))[2].startswith(b"\xff\xd8")
                own = await status_of(ws)
            assert (own["id"], own["state"], own["viewers"]) == ("1", "live", 1)
            assert (own["width"], own["height"]) == (160, 120)
            with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                await session.ws_connect("/live/view?camera=2")
            assert error.value.status == 404
            _, metrics = await ask(session, "GET", "/metrics")
            assert b'cgan_camera_on{camera="camera"} 0.0' in metrics
            assert b'cgan_camera_on{camera="door"} 1.0' in metrics
            return list((await ask(session, "GET", "/cameras"))[1])

    first, second = asyncio.run(look())
    assert (first["state"], second["state"]) == ("off", "live")  # only the one that was watched was turned on


def test_snapshot_is_the_picture_in_full_size_and_color(two: Server) -> None:
    async def take() -> bytes:
        async with client(two) as session:
            status, refusal = await ask(session, "GET", "/cameras/0/snapshot")
            assert (status, refusal) == (409, {"error": "there is no picture yet"})
            async with session.ws_connect("/live/view") as ws:
                await frame_of(ws)
                status, png = await ask(session, "GET", "/cameras/0/snapshot")
                assert status == 200
            status, refusal = await ask(session, "GET", "/cameras/none/snapshot")
            assert status == 404
            assert "no such camera" in refusal["error"]
            return bytes(png)

    png = asyncio.run(take())
    assert png.startswith(b"\x89PNG")
    assert cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR).shape == (120, 160, 3)
    assert chroma_of(png) > 2


def test_recording_goes_on_without_viewers_and_is_downloaded(two: Server, tmp_path: Path) -> None:
    async def record() -> tuple[dict[str, Any], bytes]:
        async with client(two) as session:
            async with session.ws_connect("/live/view?camera=1") as ws:
                await frame_of(ws)
                status, recording = await ask(session, "POST", "/cameras/1/recording")
                assert status == 201
                assert recording["state"] == "recording"
                assert recording["name"].startswith("door-20")
                status, refusal = await ask(session, "POST", "/cameras/1/recording")
                assert (status, refusal) == (409, {"error": "this camera is recorded already"})
                while ((await status_of(ws))["recording"] or recording)["frames"] < 5:
                    pass
            seen = (await ask(session, "GET", "/cameras"))[1][1]["recording"]["frames"]
            while (await ask(session, "GET", "/cameras"))[1][1]["recording"]["frames"] < seen + 5:
                await asyncio.sleep(0.05)
            status, recording = await ask(session, "DELETE", "/cameras/1/recording")
            assert (status, recording["state"]) == (200, "finished")
            assert (await ask(session, "DELETE", "/cameras/1/recording"))[0] == 404
            async with session.get(recording["url"]) as answer:
                assert answer.status == 200
                assert recording["name"] in answer.headers["Content-Disposition"]
                video = await answer.read()
            assert (await ask(session, "DELETE", recording["url"]))[0] == 204
            assert (await ask(session, "GET", recording["url"]))[0] == 404
            return recording, video

    recording, content = asyncio.run(record())
    target = tmp_path / "recording.mp4"
    target.write_bytes(content)
    assert len(content) == recording["bytes"]
    frames = read_frames(target)
    assert len(frames) == recording["frames"] >= 10
    assert (frames[0].width, frames[0].height) == (160, 120)


def test_camera_of_a_browser_has_snapshot_and_recording(two: Server) -> None:
    async def show() -> None:
        async with client(two) as session:
            async with session.ws_connect("/live/camera") as ws:
                name = json.loads((await ws.receive(TIMEOUT)).data)["camera"]
                await ws.send_bytes(struct.pack("<I", 1) + jpeg())
                await frame_of(ws)
                assert bytes((await ask(session, "GET", f"/cameras/{name}/snapshot"))[1]).startswith(b"\x89PNG")
                recording = (await ask(session, "POST", f"/cameras/{name}/recording"))[1]
                await ws.send_bytes(struct.pack("<I", 2) + jpeg())
                await frame_of(ws)
                own = await status_of(ws)
                assert (own["id"], own["recording"]["frames"], own["full_size"]) == (name, 1, 64)
            while (await ask(session, "GET", f"/cameras/{name}/snapshot"))[0] != 404:
                await asyncio.sleep(0.02)
            async with session.get(recording["url"]) as answer:  # what it has is kept
                assert (await answer.read())[4:8] == b"ftyp"
            assert name not in str((await ask(session, "GET", "/cameras"))[1])

    asyncio.run(show())


def test_size_is_held_or_follows_the_load(two: Server) -> None:
    async def change() -> None:
        async with client(two) as session:
            camera = (await ask(session, "PATCH", "/cameras/0", size=32))[1]
            assert (camera["adapt"], camera["size"], camera["full_size"]) == (False, 32, 64)
            async with session.ws_connect("/live/view") as ws:
                assert (await frame_of(ws))[2].startswith(b"\xff\xd8")
            camera = (await ask(session, "PATCH", "/cameras/0", adapt=True))[1]
            assert camera["adapt"]
            for wrong in ({"size": 33}, {"adapt": 1}, {"size": 64, "adapt": True}, {"nothing": 1}):
                status, refusal = await ask(session, "PATCH", "/cameras/0", **wrong)
                assert status == 400
                assert "one of 32, 64" in refusal["error"]

    asyncio.run(change())


def test_paused_page_gets_no_frames_but_the_status(two: Server) -> None:
    async def pause() -> None:
        async with client(two) as session, session.ws_connect("/live/view") as ws:
            await frame_of(ws)
            await ws.send_str(json.dumps({"paused": True}))
            await status_of(ws)
            await status_of(ws)  # those that were on their way have come
            message = await ws.receive(TIMEOUT)
            assert message.type is aiohttp.WSMsgType.TEXT
            await ws.send_str(json.dumps({"paused": False}))
            await frame_of(ws)

    asyncio.run(pause())
