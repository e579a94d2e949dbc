"""The server as a service manager runs it: a handed-over socket, a config file, metrics, streams, and a calm end."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import av
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.runtime.live.serving import RUN, TIMEOUT, chroma_of, frame_of, jpeg, until
from tests.videos import tint_of

from cgan_benchmarks.studies.service.rtsp import RtspServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")
TOKEN, METRICS_TOKEN = "a-token-of-the-page-1", "a-token-of-metrics-12"


@dataclass
class Service:
    """A running service."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    rtsp: str
    told: list[str]  # what the service tells its manager

    def get(self, path: str, token: str | None = None, scheme: str = "Bearer") -> tuple[int, str]:
        """Ask as a program does; return the status and the text."""
        request = urllib.request.Request(f"{self.url}{path}")
        if token is not None:
            request.add_header("Authorization", f"{scheme} {token}")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metric(self, name: str, **labels: str) -> float:
        families = text_string_to_metric_families(self.get("/metrics", METRICS_TOKEN)[1])
        samples = [each for family in families for each in family.samples if each.name == name]
        return sum(each.value for each in samples if labels.items() <= each.labels.items())

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def listen(manager: socket.socket, told: list[str]) -> None:
    """Keep what a service says, until an empty message."""
    while message := manager.recv(1000):
        told.append(message.decode())


@pytest.fixture(scope="module")
def service(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one camera, whose socket was opened by its manager."""
    folder = tmp_path_factory.mktemp("service")
    with (
        RtspServer() as rtsp,
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        (folder / "log").open("wb") as log,
    ):
        manager.bind(str(folder / "notify"))
        told: list[str] = []
        ear = threading.Thread(target=listen, args=(manager, told))
        ear.start()
        config = folder / "cgan.toml"
        config.write_text(
            f'serve = "192.0.2.1:1"\nwebcam = ["door={video}"]\nsize = 64\nthreads = 1\nlog = "json"\n'
            f'rtsp-out = "{rtsp.url("color")}"\npreset = "ultrafast"\nmax-upload = "200kB"\ndrain = 600\n'
        )
        environment = {
            **os.environ, "LISTEN_FDS": "1", "NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "1000000",
            "CGAN_TOKEN": TOKEN, "CGAN_METRICS_TOKEN": METRICS_TOKEN,
        }  # fmt: skip
        process = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", RUN, "--config", config], env=environment,
            preexec_fn=lambda: os.dup2(listener.fileno(), 3), close_fds=False, stdout=log, stderr=log,
        )  # fmt: skip
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        started = Service(process, url, folder / "log", rtsp.url("color"), told)
        try:
            until(lambda: told or process.poll() is not None)
            assert told[:1] == ["READY=1"], started.log.read_text()
            yield started
        finally:
            process.kill()
            process.wait()
            manager.shutdown(socket.SHUT_RD)
            ear.join()


def test_the_manager_gets_signs_of_life(service: Service) -> None:
    until(lambda: "WATCHDOG=1" in service.told)
    assert service.get("/healthz") == (200, "ok\n")


def test_metrics_have_a_token_of_their_own(service: Service) -> None:
    basic = base64.b64encode(f"prometheus:{METRICS_TOKEN}".encode()).decode()
    assert service.get("/metrics")[0] == 401
    assert service.get("/metrics", "not-the-token-at-all")[0] == 401
    assert service.get("/metrics", METRICS_TOKEN)[0] == 200
    assert service.get("/metrics", basic, "Basic")[0] == 200
    assert service.get("/metrics", "no base64", "Basic")[0] == 401
    assert service.get("/metrics", TOKEN)[0] == 200
    assert service.get("/about", METRICS_TOKEN)[0] == 401
    assert service.get("/about", TOKEN)[0] == 200


def test_metrics_are_those_of_the_camera(service: Service) -> None:
    until(lambda: service.metric("cgan_frames_colored_total", camera="door") > 5)
    families = {family.name: family for family in text_string_to_metric_families(service.get("/metrics", TOKEN)[1])}
    assert families["cgan_frames_read"].type == "counter"
    assert families["cgan_frame_delay_seconds"].type == "histogram"
    assert all(family.documentation for family in families.values())
    assert families["cgan_backend_info"].samples[0].labels["model"] == "edge"

    values = {
        each.name: sum(other.value for other in family.samples if other.name == each.name)
        for family in families.values()
        for each in family.samples
    }
    colored = values["cgan_frames_colored_total"]
    on_their_way = values["cgan_frames_read_total"] - values["cgan_frames_dropped_total"] - colored
    assert 0 <= on_their_way <= 3  # one waits, one is being colored, one came while the metrics were made
    assert values["cgan_frame_delay_seconds_count"] == colored


def test_programs_get_the_camera_as_a_stream_of_jpegs(service: Service) -> None:
    async def watch() -> list[bytes]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(TIMEOUT)) as session,
            session.get(f"{service.url}/cameras/0/stream.mjpg") as answer,
        ):
            reader = aiohttp.MultipartReader.from_response(answer)
            images = []
            while len(images) < 3:
                part = await reader.next()
                assert isinstance(part, aiohttp.BodyPartReader)
                images.append(bytes(await part.read()))
            return images

    before = service.metric("cgan_frames_sent_total", camera="door")
    images = asyncio.run(watch())
    assert len(images) == 3
    assert all(chroma_of(image) > 2 for image in images)
    until(lambda: service.metric("cgan_viewers", camera="door") == 0)
    assert service.metric("cgan_frames_sent_total", camera="door") >= before + 3
    assert service.get("/cameras/9/stream.mjpg", TOKEN)[0] == 404


def test_metrics_count_what_a_page_gets_and_shows(service: Service) -> None:
    async def watch(frames: int) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}", "Origin": service.url}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.ws_connect(f"{service.url}/live/view") as ws,
        ):
            for _ in range(frames):
                number, _, _ = await frame_of(ws)
                await ws.send_str(json.dumps({"shown": number}))
            last, _, _ = await frame_of(ws)  # which says that the others were confirmed
            assert last > 0

    shown = service.metric("cgan_shown_delay_seconds_count", camera="door")
    asyncio.run(watch(8))
    until(lambda: service.metric("cgan_shown_delay_seconds_count", camera="door") >= shown + 7)


def test_the_colored_camera_goes_to_the_rtsp_server(service: Service) -> None:
    until(lambda: service.metric("cgan_rtsp_out_up", camera="door") == 1)
    with av.open(service.rtsp, options={"rtsp_transport": "tcp"}, timeout=TIMEOUT) as played:
        frame = next(played.decode(video=0))
    assert (frame.width, frame.height) == (160, 120)
    assert tint_of(frame) > 1
    assert service.metric("cgan_rtsp_out_frames_total", camera="door") > 0


def test_the_log_is_json_and_has_no_token(service: Service) -> None:
    events = {entry.get("event") for entry in service.entries()}
    assert {"camera_live", "rtsp_out_live"} <= events
    assert all({"time", "level", "message"} <= entry.keys() for entry in service.entries())
    assert TOKEN not in service.log.read_text()


def test_sigterm_waits_for_files_in_work_and_takes_no_more(service: Service) -> None:
    async def leave() -> tuple[list[int], bytes]:
        headers = {"Authorization": f"Bearer {TOKEN}"}  # a program, which sends no Origin
        async with aiohttp.ClientSession(service.url, headers=headers) as session:
            async with session.post("/uploads", data=bytes(500_000)) as answer:
                statuses = [answer.status]  # above --max-upload
            async with session.post("/uploads", data=jpeg()) as answer:
                job = await answer.json()
            service.process.send_signal(signal.SIGTERM)
            while service.get("/healthz")[0] == 200:
                await asyncio.sleep(0.05)
            async with session.post("/uploads", data=jpeg()) as answer:
                statuses.append(answer.status)
            while job["state"] in ("queued", "working"):
                await asyncio.sleep(0.1)
                async with session.get(f"/uploads/{job['id']}") as answer:
                    job = await answer.json()
            async with session.get(f"/uploads/{job['id']}/result") as answer:
                return statuses, await answer.read()

    statuses, result = asyncio.run(leave())
    assert statuses == [413, 503]
    assert chroma_of(result) > 2
    assert service.process.wait(TIMEOUT) == 128 + signal.SIGTERM
    assert "STOPPING=1" in service.told
    (stopping,) = [entry for entry in service.entries() if entry.get("event") == "stopping"]
    assert stopping["files"] == 1
    assert stopping["message"].startswith("stopping: 1 file waits to be colored, for ")
