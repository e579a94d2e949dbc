"""Placed colors over HTTP: photos, frames and cameras; and what is wrong with a request, in one line."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import cv2
import numpy as np
import pytest
from tests.guided_model import write_guided_model
from tests.paths import ROOT
from tests.runtime.live.serving import Server, client, frame_of, jpeg, outcome, serving, upload
from tests.videos import Video, write_video

PHOTO = ROOT / "train" / "cgan_train" / "evaluation" / "photos" / "chelsea.jpg"
BLUE = {"x": 0.5, "y": 0.5, "color": "#2040c0", "radius": 0.1}


@pytest.fixture(scope="module")
def server(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    model = write_guided_model(tmp_path_factory.mktemp("model") / "guided.onnx")
    with serving("--webcam", video, "--model", model) as server:
        yield server


def body(*hints: dict[str, Any]) -> str:
    return json.dumps({"hints": hints})


def middle(data: bytes) -> tuple[int, int, int]:
    """Blue, green and red in the middle of a JPEG."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    blue, green, red = image[image.shape[0] // 2, image.shape[1] // 2]
    return int(blue), int(green), int(red)


async def told(answer: aiohttp.ClientResponse) -> tuple[int, str]:
    return answer.status, (await answer.json())["error"]


def test_a_frame_is_shown_with_hints_and_without(server: Server) -> None:
    async def use() -> None:
        async with client(server) as session:
            async with session.post("/guides", data=jpeg()) as answer:
                assert answer.status == 201
                guide = await answer.json()
            assert (guide["width"], guide["height"]) == (160, 120)
            path = f"/guides/{guide['id']}/picture"
            for hints, is_blue in (((), False), ((BLUE,), True), ((), False)):
                async with session.post(path, data=body(*hints)) as answer:
                    assert answer.content_type == "image/jpeg"
                    assert "color;dur=" in answer.headers["Server-Timing"]
                    blue, _, red = middle(await answer.read())
                    assert (blue > red) == is_blue

    asyncio.run(use())


def test_a_photo_is_colored_again_with_hints(server: Server) -> None:
    async def use() -> None:
        async with client(server) as session:
            _, job = await upload(session, PHOTO.read_bytes())
            assert (await outcome(session, job))["state"] == "ready"
            async with session.post(f"/guides?upload={job['id']}") as answer:
                assert answer.status == 201
                guide = await answer.json()
            async with session.post(f"/guides/{guide['id']}/picture", data=body(BLUE)) as answer:
                shown = middle(await answer.read())
            async with session.post(f"/uploads/{job['id']}/hints", data=body(BLUE)) as answer:
                assert answer.status == 202
                assert (await outcome(session, await answer.json()))["state"] == "ready"
            async with session.get(f"/uploads/{job['id']}/result") as answer:
                got = middle(await answer.read())
            assert got[0] > got[2] + 20
            assert np.abs(np.subtract(shown, got)).max() < 25
            async with session.post(f"/uploads/{job['id']}/hints", data=body({**BLUE, "time": 1})) as answer:
                assert await told(answer) == (
                    400, "hint 1 has a time or frame, which is for videos; this is an image: leave it out"
                )  # fmt: skip

    asyncio.run(use())


def test_a_video_is_colored_again_with_hints(server: Server, tmp_path: Path) -> None:
    clip = write_video(tmp_path / "in.mp4", Video(frames=6)).read_bytes()

    async def use() -> None:
        async with client(server) as session:
            _, job = await upload(session, clip)
            assert (await outcome(session, job))["state"] == "ready"
            async with session.get(f"/uploads/{job['id']}/result") as answer:
                before = await answer.read()
            async with session.post(f"/uploads/{job['id']}/hints", data=body({**BLUE, "time": 0.1})) as answer:
                assert (await outcome(session, await answer.json()))["state"] == "ready"
            async with session.get(f"/uploads/{job['id']}/result") as answer:
                assert await answer.read() != before
            async with session.post(f"/guides?upload={job['id']}") as answer:
                assert await told(answer) == (409, "this file has no picture to place colors on")

    asyncio.run(use())


def test_a_camera_takes_the_colors_of_a_held_frame(server: Server) -> None:
    async def use() -> None:
        async with client(server) as session:
            async with session.get("/cameras") as answer:
                camera = (await answer.json())[0]["id"]
            async with session.ws_connect("/live/view") as ws:

                async def next_frame() -> bytes:
                    number, _, data = await frame_of(ws)
                    await ws.send_str(json.dumps({"shown": number}))
                    return data

                held = await next_frame()
                async with session.post("/guides", data=held) as answer:
                    guide = (await answer.json())["id"]
                everywhere = [{**BLUE, "x": x, "y": y, "radius": 0.2} for x in (0.2, 0.5, 0.8) for y in (0.2, 0.5, 0.8)]
                path = f"/cameras/{camera}/guide"
                async with session.put(f"{path}?guide={guide}", data=body(*everywhere)) as answer:
                    assert answer.status == 204
                seen = [middle(await next_frame()) for _ in range(12)]
                assert seen[-1][0] > seen[-1][2] or max(blue - red for blue, _, red in seen) > 0
                async with session.delete(path) as answer:
                    assert answer.status == 204
                blue, _, red = [middle(await next_frame()) for _ in range(12)][-1]
                assert red > blue
            async with session.put(f"/cameras/none/guide?guide={guide}", data=body(BLUE)) as answer:
                assert await told(answer) == (404, "no such camera")

    asyncio.run(use())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (body({**BLUE, "x": 1.2}), "hint 1 in mine.json: x is 1.2, outside of the picture"),
        (body(BLUE, {**BLUE, "color": "mauvish"}), "hint 2 in mine.json: 'mauvish' is no color"),
        (body(*[BLUE] * 501), "mine.json has 501 hints; at most 500 are taken"),
        ('{"hints": [ // mine\n]}', "mine.json is no JSON: line 1 has a comment"),
        ("\x00", "mine.json is no JSON"),
        ("[" * 9999, "nested too deep"),
        (body({**BLUE, "time": 3}), "hint 1 has a time or frame, which is for videos"),
    ],
)
def test_what_is_wrong_with_a_file_of_hints_is_one_line(server: Server, text: str, message: str) -> None:
    async def use() -> None:
        async with client(server) as session, session.post("/hints?name=mine.json&still=1", data=text) as answer:
            status, error = await told(answer)
            assert status == 400
            assert message in error
            assert "\n" not in error

    asyncio.run(use())


def test_wrong_requests_are_refused(server: Server) -> None:
    async def use() -> None:
        async with client(server) as session:
            for data in (b"", b"no picture", PHOTO.read_bytes()[:40], jpeg((2000, 2000))):
                async with session.post("/guides", data=data) as answer:
                    assert answer.status in (400, 500)
                    assert "JPEG" in (await told(answer))[1]
            async with session.post("/guides", data=io.BytesIO(bytes(2_000_000))) as answer:
                assert answer.status == 413
            async with session.post("/guides/none/picture", data=body()) as answer:
                assert await told(answer) == (404, "this picture is no longer kept")
            async with session.post("/guides?upload=none") as answer:
                assert (await told(answer))[0] == 404
            async with session.post("/hints", data=body({**BLUE, "color": "teal", "time": 2})) as answer:
                assert await answer.json() == {"hints": [{**BLUE, "color": "#008080", "time": 2}]}

    asyncio.run(use())


def test_old_pictures_go(server: Server) -> None:
    async def use() -> None:
        async with client(server) as session:
            names = []
            for _ in range(18):
                async with session.post("/guides", data=jpeg((24, 32))) as answer:
                    names.append((await answer.json())["id"])
            states = []
            for name in (names[0], names[-1]):
                async with session.post(f"/guides/{name}/picture", data=body()) as answer:
                    states.append(answer.status)
            assert states == [404, 200]

    asyncio.run(use())


def test_a_page_of_another_site_may_not_ask(server: Server) -> None:
    async def use() -> None:
        async with client(server, Origin="http://evil.example") as session, session.post("/hints", data="") as answer:
            assert answer.status == 403

    asyncio.run(use())
