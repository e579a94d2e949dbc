"""The server in use: many and slow viewers, browsers' cameras, uploads, TLS, shutdown and wrong options."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import signal
import ssl
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.runtime.live.serving import (
    MAX_GROWTH,
    MAX_STOP_SECONDS,
    RUN,
    TIMEOUT,
    Server,
    check_alive,
    chroma_of,
    client,
    frame_of,
    jpeg,
    linux,
    outcome,
    serving,
    stop_under_load,
    upload,
)
from tests.videos import Video, write_video

from cgan_runtime.cli import main


@linux
def test_twenty_viewers_of_which_five_are_slow(server: Server) -> None:
    async def view(session: aiohttp.ClientSession, frames: int) -> list[int]:
        numbers = []
        async with session.ws_connect("/live/view") as ws:
            while len(numbers) < frames:
                number, _, image = await frame_of(ws)
                numbers.append(number)
                assert image.startswith(b"\xff\xd8")
                await ws.send_str(json.dumps({"shown": number}))
        return numbers

    async def view_slowly(session: aiohttp.ClientSession, done: asyncio.Event) -> tuple[list[int], int]:
        """Confirm frames only at the end; return the frames before and after."""
        async with session.ws_connect("/live/view") as ws:
            numbers = [(await frame_of(ws))[0] for _ in range(2)]
            await done.wait()
            await ws.send_str(json.dumps({"shown": numbers[-1]}))
            return numbers, (await frame_of(ws))[0]

    async def crowd() -> None:
        async with client(server) as session:
            done = asyncio.Event()
            slow = [asyncio.create_task(view_slowly(session, done)) for _ in range(5)]
            fast = await asyncio.gather(*(view(session, 25) for _ in range(15)))
            done.set()
            newest = max(numbers[-1] for numbers in fast)
            assert all(numbers == sorted(set(numbers)) for numbers in fast)  # never an old one
            for numbers, after in await asyncio.gather(*slow):
                assert len(numbers) == 2  # no more before it confirmed them
                assert after >= newest - 3  # no old frame

    asyncio.run(crowd())
    before = server.memory
    for _ in range(2):
        asyncio.run(crowd())
    assert server.memory - before < MAX_GROWTH


def test_each_frame_is_colored_once_for_all_viewers(server: Server) -> None:
    async def same() -> list[dict[int, bytes]]:
        async def view(session: aiohttp.ClientSession) -> dict[int, bytes]:
            seen = {}
            async with session.ws_connect("/live/view") as ws:
                for _ in range(10):
                    number, _, image = await frame_of(ws)
                    seen[number] = image
                    await ws.send_str(json.dumps({"shown": number}))
            return seen

        async with client(server) as session:
            return await asyncio.gather(*(view(session) for _ in range(4)))

    first, *others = asyncio.run(same())
    shared = [number for number in first if all(number in each for each in others)]
    assert shared
    assert all(each[number] == first[number] for each in others for number in shared)
    assert chroma_of(first[shared[0]]) > 2


async def count_viewers(session: aiohttp.ClientSession) -> int:
    """The number of viewers, including this one."""
    async with session.ws_connect("/live/view") as ws:
        while (message := await ws.receive(TIMEOUT)).type is not aiohttp.WSMsgType.TEXT:
            pass
        return int(json.loads(message.data)["status"]["viewers"])


def test_too_many_viewers_and_cameras_are_refused(server: Server) -> None:
    async def crowd(path: str) -> list[int]:
        async with client(server) as session:
            while path == "/live/view" and await count_viewers(session) > 1:  # those of other tests leave
                await asyncio.sleep(0.05)
            sockets, statuses = [], []
            for _ in range(50):
                try:
                    sockets.append(await session.ws_connect(path))
                    statuses.append(101)
                except aiohttp.WSServerHandshakeError as error:
                    statuses.append(error.status)
            for ws in sockets:
                await ws.close()
        return statuses

    assert asyncio.run(crowd("/live/view")) == [101] * 44 + [503] * 6
    assert asyncio.run(crowd("/live/camera")) == [101] * 4 + [503] * 46
    asyncio.run(check_alive(server))


def test_browsers_frames_come_back_in_color_and_old_ones_are_dropped(server: Server) -> None:
    async def send() -> tuple[list[int], bytes]:
        async with client(server) as session, session.ws_connect("/live/camera") as ws:
            image = jpeg((480, 640))
            for number in range(1, 41):
                await ws.send_bytes(struct.pack("<I", number) + image)
            answered = []
            while not answered or answered[-1] < 2:
                number, _, back = await frame_of(ws)
                answered.append(number)
            await asyncio.sleep(0.5)  # the rate limit allows frames again
            await ws.send_bytes(struct.pack("<I", 99) + image)
            while answered[-1] != 99:
                number, _, back = await frame_of(ws)
                answered.append(number)
            return answered, back

    answered, back = asyncio.run(send())
    assert answered == sorted(set(answered))
    assert len(answered) < 40
    assert chroma_of(back) > 2


def test_uploads_are_queued_and_can_be_deleted(server: Server, tmp_path: Path) -> None:
    video = write_video(tmp_path / "video.mp4", Video(frames=100, width=320, height=240)).read_bytes()

    async def ask() -> list[int]:
        async with client(server) as session:
            jobs, statuses = [], []
            for _ in range(6):
                status, job = await upload(session, video)
                statuses.append(status)
                jobs += [job] if status == 202 else []
            async with session.get(f"/uploads/{jobs[0]['id']}/result") as answer:
                statuses.append(answer.status)
            for job in jobs:
                async with session.delete(f"/uploads/{job['id']}") as answer:
                    statuses.append(answer.status)
                async with session.get(f"/uploads/{job['id']}") as answer:
                    statuses.append(answer.status)
            return statuses

    assert asyncio.run(ask()) == [202] * 5 + [503] + [409] + [204, 404] * 5


def test_metrics_tell_how_files_ended(tmp_path: Path) -> None:
    video = write_video(tmp_path / "video.mp4", Video(frames=100, width=320, height=240)).read_bytes()

    async def counts(session: aiohttp.ClientSession) -> dict[str, float]:
        async with session.get("/metrics") as answer:
            found = re.findall(r'cgan_uploads_total\{outcome="(\w+)"\} (\S+)', await answer.text())
            return {name: float(count) for name, count in found}

    async def ask() -> tuple[dict[str, Any], dict[str, float]]:
        async with client(server) as session:
            photo = await outcome(session, (await upload(session, jpeg()))[1])
            (await session.delete(f"/uploads/{photo['id']}")).release()
            _, job = await upload(session, video)
            (await session.delete(f"/uploads/{job['id']}")).release()
            await outcome(session, (await upload(session, b"\xff\xd8\xff\xc0" + bytes(500)))[1])
            for _ in range(100):
                ended = await counts(session)
                if sum(ended.values()) == 3:
                    break
                await asyncio.sleep(0.1)
            return photo, ended

    with serving() as server:
        photo, ended = asyncio.run(ask())
    assert (photo["state"], photo["done"], photo["total"]) == ("ready", 1, 1)
    assert ended == {"ready": 1, "deleted": 1, "failed": 1}


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("POST", "/uploads?strength=9", 400, "strength must be between"),
        ("POST", "/uploads?strenght=1", 400, "strenght is not known here; strength is"),
        ("GET", "/uploads/x", 404, "no such file"),
        ("GET", "/nothing", 404, "nothing at this address"),
        ("PUT", "/uploads", 405, "does not take such requests"),
        ("GET", "/live/view?camera=9", 404, "no such camera"),
        ("GET", "/cameras/9/stream.mjpg", 404, "no such camera"),
    ],
)
def test_refusals_are_json(server: Server, method: str, path: str, status: int, told: str) -> None:
    async def ask() -> tuple[int, dict[str, str]]:
        async with client(server) as session, session.request(method, path, data=b"") as answer:
            return answer.status, await answer.json()

    found, answer = asyncio.run(ask())
    assert found == status
    assert told in answer["error"]


def test_a_log_does_not_keep_a_token_that_was_given(video: Path) -> None:
    token = "a-token-of-this-test"
    command = [RUN, "--serve", "127.0.0.1:0", "--webcam", video]
    process = subprocess.Popen(
        command, env=os.environ | {"CGAN_TOKEN": token}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        assert process.stdout is not None
        lines = list(iter(process.stdout.readline, "Ctrl-C ends it\n"))
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT)
    assert any(re.search(r"open http://127.0.0.1:\d+/$", line) for line in lines)
    assert token not in "".join(lines)


def test_a_form_is_refused_and_the_mend_is_told(server: Server) -> None:
    async def send() -> tuple[int, dict[str, str]]:
        form = aiohttp.FormData()
        form.add_field("file", jpeg(), filename="a.jpg")
        async with client(server) as session, session.post("/uploads", data=form) as answer:
            return answer.status, await answer.json()

    status, answer = asyncio.run(send())
    assert status == 415
    assert "send the file's bytes as the body" in answer["error"]


def test_https_with_a_certificate_of_its_own(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with serving("--webcam", video, "--https") as server:
        assert server.url.startswith("https://")
        (printed,) = (line.strip() for line in server.output if line.startswith("certificate: SHA-256 "))
        certificate = tmp_path / "cgan" / "tls" / "page.pem"
        assert certificate.stat().st_mode & 0o777 == 0o600

        async def ask() -> tuple[bytes, str]:
            trust = ssl.create_default_context(cafile=certificate)
            connector = aiohttp.TCPConnector(ssl=trust)
            async with (
                aiohttp.ClientSession(server.origin, headers={"Origin": server.origin}, connector=connector) as session,
                session.ws_connect("/live/view") as ws,
            ):
                seen = ws.get_extra_info("ssl_object").getpeercert(binary_form=True)
                return (await frame_of(ws))[2], hashlib.sha256(seen).hexdigest().upper()

        frame, fingerprint = asyncio.run(ask())
        assert frame.startswith(b"\xff\xd8")
        assert printed.rpartition(" ")[2].replace(":", "") == fingerprint
        assert server.stop(signal.SIGTERM) < MAX_STOP_SECONDS
        assert server.process.returncode == 128 + signal.SIGTERM


def test_ctrl_c_stops_everything_under_load(video: Path, tmp_path: Path) -> None:
    assert stop_under_load(video, tmp_path) < MAX_STOP_SECONDS


def test_camera_that_cannot_be_opened_is_tried_again(video: Path, tmp_path: Path) -> None:
    camera = Path(shutil.copy(video, tmp_path / "camera.mp4"))
    with serving("--webcam", camera) as server:
        camera.unlink()

        async def view() -> list[str]:
            messages = []
            async with client(server) as session, session.ws_connect("/live/view") as ws:
                while True:
                    message = await ws.receive(TIMEOUT)
                    if message.type is aiohttp.WSMsgType.BINARY:
                        return messages
                    messages.append(json.loads(message.data)["status"]["message"])
                    if not camera.exists():
                        shutil.copy(video, camera)

        assert any("no file at" in message for message in asyncio.run(view()))


def error_of(options: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run cgan-run in this process; it must fail with one line, which is returned."""
    with pytest.raises(SystemExit) as end:
        main(options)
    assert end.value.code in (1, 2)
    (line,) = (line for line in capsys.readouterr().err.splitlines() if not line.startswith("note: "))
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--serve", "nonsense address"], "is no address"),
        (["--serve", "127.0.0.1:99999"], "is no address"),
        (["--serve", "--token", "short"], "at least 16"),
        (["--serve", "--cert", "a.pem"], "go together"),
        (["--serve", "--https", "--cert", "a.pem", "--key", "b.pem"], "leave it out with --cert"),
        (["--webcam", "--https"], "--https is for the page"),
        (["--webcam", "--record-every", "1h"], "add --record FILE"),
        (["--webcam", "--record", "a.mp4", "--keep", "2GB"], "add --record-every"),
        (["--webcam", "--record", "a.mp4", "--record-every", "often"], "is no time and no size"),
        (["--webcam", "--crop", "10"], "is no part of a picture"),
        (["--webcam", "--levels", "8,2"], "such as 2,8"),
        (["--serve", "--cert", "a.pem", "--key", "b.pem"], "no certificate and key"),
        (["--webcam", "x.mp4", "--token", "a-token-of-my-own-1234"], "--token is for the page"),
        (["--webcam", "x.mp4", "--rtsp-out", "rtsp://host/x"], "go with --serve"),
        (["--serve", "--metrics-token", "short"], "--metrics-token must have at least 16"),
        (["--serve", "--max-upload", "much"], "'much' is no size"),
        (["--serve", "--max-upload", "256"], "'256' has no unit; give one, such as 256MB or 256GB"),
        (["--webcam", "--record", "a.mp4", "--record-every", "1h", "--keep", "20"], "'20' has no unit"),
        (["--webcam", "--record", "a.mp4", "--record-every", "2B"], "'2B' is too small"),
        (
            ["--serve", "127.0.0.1:0", "--webcam", "rtsp://host/x", "--rtsp-out", "http://host/x"],
            "is no address of RTSP",
        ),
        (["--webcam", "--camera-size", "8000x10"], "is no size of a camera"),
        (["--serve", "192.0.2.1:8000"], "cannot serve at"),
        (["--webcam", "x.mp4", "-o", "y.mp4"], "record a camera with --record"),
        (["--video", "x.mp4", "--record", "y.mp4"], "go with --webcam or --serve"),
        (["--serve", "--video", "x.mp4"], "give exactly one"),
        (["--serve", "--webcam", "missing.mp4"], "no file at missing.mp4"),
        (["--serve", "--webcam", __file__], "check that it is a video"),
        (["--serve", "--webcam", "a=0", "--webcam", "a=1"], "two cameras are called 'a'"),
        (["--webcam", "0", "--webcam", "1"], "add --serve"),
        (["--serve", "--webcam", "0", "--webcam", "1", "--virtual-camera"], "hands on one camera"),
    ],
)
def test_wrong_options_are_one_line(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in error_of(options, capsys)


def test_part_that_is_not_in_a_video_is_one_line(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["--serve", "0", "--webcam", str(video)], ["--serve", "0", "--webcam", f"a={video}"]):
        message = error_of([*options, "--crop", "640x480"], capsys)
        assert "--crop 640x480+0+0 is not within the camera's picture of 160x120; give a smaller part" in message


def test_address_in_use_is_one_line(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert "cannot serve at" in error_of(["--serve", f"127.0.0.1:{server.port}"], capsys)


def test_terminal_shows_a_qr_code(video: Path) -> None:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen([RUN, "--serve", "0.0.0.0:0", "--webcam", video], stdout=theirs, stderr=theirs)
    os.close(theirs)
    output = b""
    try:
        while b"Ctrl-C ends it" not in output:
            output += os.read(ours, 4096)
    finally:
        process.terminate()
        process.wait(TIMEOUT)
        os.close(ours)
    lines = output.decode().splitlines()
    code = [line for line in lines if line.count("\u2588") + line.count("\u2580") + line.count("\u2584") > 10]
    assert len(code) > 10
    assert any(re.search(r"open http://[^ ]+/\?token=[\w-]{24}", line) for line in lines)


def test_missing_library_is_named(tmp_path: Path) -> None:
    script = "import sys; sys.modules['aiohttp'] = None; from cgan_runtime.cli import main; main(['--serve'])"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 1
    assert done.stderr == "error: --serve needs aiohttp; install it with: pip install 'cgan[live]'\n"
