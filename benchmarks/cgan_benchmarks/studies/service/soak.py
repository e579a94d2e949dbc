"""A soak test of `cgan-run --serve`: cameras that drop, viewers of which half stall; nothing grows, metrics are right.

    python -m cgan_benchmarks.studies.service.soak --seconds 600        # the long form
    python -m cgan_benchmarks.studies.service.soak --seconds 20 --viewers 8 --json soak.json

Two cameras send to an RTSP server of this process and come back after each loss. The server under test colors them,
sends them on by `--rtsp-out`, and shows them to viewers. Half of these never confirm a frame, are disconnected for
that, and come back. At the end, what the server has counted is compared with what cameras, viewers and a player of the
colored stream have counted. All connections stay on this machine.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import aiohttp
import av
import click
from prometheus_client.parser import text_string_to_metric_families

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine
from cgan_benchmarks.results.document import new_document, write_document
from cgan_benchmarks.studies.service.counts import CAMERAS, Sample, Soak, SoakSettings
from cgan_benchmarks.studies.service.rtsp import FakeCamera, RtspServer

_START_SECONDS = 120.0
_SETTLE_SECONDS = 1.5  # until the last frames have been counted on both sides


def soak(settings: SoakSettings, folder: Path) -> Soak:
    """Run the server under load for the given time, stop it by SIGTERM, and return what was counted."""
    found = Soak(settings)
    with ExitStack() as opened:
        rtsp = opened.enter_context(RtspServer())
        cameras = {
            name: opened.enter_context(FakeCamera(rtsp.url(name), size=settings.size, rate=settings.rate))
            for name in CAMERAS
        }
        process, url = opened.enter_context(_Server(settings, rtsp, folder))
        player = opened.enter_context(_Player(rtsp.url(f"color/{CAMERAS[0]}")))
        asyncio.run(_load(found, rtsp, process, url, player))
        for name, camera in cameras.items():
            found.sent[name], found.plays[name] = camera.frames, rtsp.plays[name]
        process.send_signal(signal.SIGTERM)
        if process.wait(30) != 128 + signal.SIGTERM:
            raise RuntimeError(f"the server left with {process.returncode}")
    return found


class _Server:
    """The server under test."""

    def __init__(self, settings: SoakSettings, rtsp: RtspServer, folder: Path) -> None:
        config = folder / "soak.toml"
        config.write_text(
            f'serve = "127.0.0.1:0"\nsize = {settings.network}\nthreads = 1\nadapt = false\nlog = "json"\n'
            f"max-viewers = {2 * settings.viewers}\n"
            f"webcam = {json.dumps([f'{name}={rtsp.url(name)}' for name in CAMERAS])}\n"
            f'rtsp-out = "{rtsp.url("color")}"\npreset = "ultrafast"\n'
        )
        self._log = folder / "server.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cgan_runtime", "--config", config], stdout=log, stderr=log
            )

    def __enter__(self) -> tuple[subprocess.Popen[bytes], str]:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            if url := re.search(r'"open (http://[^"]+?)/?"', self._log.read_text()):
                return self._process, url[1]
            time.sleep(0.05)
        self._process.kill()
        self._process.wait()
        raise RuntimeError(f"the server did not start: {self._log.read_text()}")

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


class _Player:
    """Plays the colored stream as a recorder of cameras does, and connects again when it was lost."""

    def __init__(self, url: str) -> None:
        self.frames = 0  # received so far, and taken by a decoder
        self._url, self._stopping = url, threading.Event()
        self._thread = threading.Thread(target=self._run, name="player", daemon=True)

    def __enter__(self) -> _Player:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.wait(0.1):
            with (
                suppress(av.FFmpegError, OSError),
                av.open(self._url, options={"rtsp_transport": "tcp"}, timeout=5) as container,
            ):
                for packet in container.demux(video=0):
                    if packet.size:
                        self.frames += 1
                        packet.decode()
                    if self._stopping.is_set():
                        return


async def _load(found: Soak, rtsp: RtspServer, process: subprocess.Popen[bytes], url: str, player: _Player) -> None:
    """Let viewers watch and cameras drop for the given time, and take samples meanwhile."""
    settings = found.settings
    found.received, found.losses = dict.fromkeys(CAMERAS, 0), dict.fromkeys(CAMERAS, 0)
    next_lost = itertools.cycle(CAMERAS)
    headers, timeout = {"Origin": url}, aiohttp.ClientTimeout(30)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, headers=headers, timeout=timeout, connector=connector) as session:
        while (await _metrics(session)).get("cgan_rtsp_out_up" + _labels(camera=CAMERAS[0])) != 1:
            await asyncio.sleep(0.1)
        viewers = [asyncio.create_task(_view(found, session, number)) for number in range(settings.viewers)]
        began = time.monotonic()
        next_loss = began + settings.drop_every / 2
        while (now := time.monotonic()) < began + settings.seconds:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode}")
            if now >= next_loss and now < began + settings.seconds - 2 * _SETTLE_SECONDS:
                camera = next(next_lost)
                found.losses[camera] += rtsp.is_played(camera)
                rtsp.drop(camera)
                next_loss += settings.drop_every
            found.samples.append(await _sample(session, process.pid, now - began))
            await asyncio.sleep(min(1.0, settings.seconds / 40))
        for viewer in viewers:
            viewer.cancel()
        await asyncio.gather(*viewers, return_exceptions=True)
        await asyncio.sleep(_SETTLE_SECONDS)
        found.played = player.frames
        found.metrics = await _metrics(session)


async def _view(found: Soak, session: aiohttp.ClientSession, number: int) -> None:
    """Watch a camera as a page does, again and again; odd ones never say that they show anything."""
    camera, stalls = number // 2 % len(CAMERAS), number % 2 == 1
    while True:
        with suppress(aiohttp.ClientError, ConnectionError, asyncio.TimeoutError):
            async with session.ws_connect(f"/live/view?camera={camera}") as socket:
                async for message in socket:
                    if message.type is not aiohttp.WSMsgType.BINARY:
                        continue
                    found.received[CAMERAS[camera]] += 1
                    if not stalls:
                        shown = int.from_bytes(message.data[:4], "little")
                        await socket.send_str(json.dumps({"shown": shown}))
                found.disconnected += stalls
        await asyncio.sleep(1.0)


async def _sample(session: aiohttp.ClientSession, pid: int, seconds: float) -> Sample:
    metrics = await _metrics(session)
    threads = int(re.findall(r"Threads:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))[0])
    viewers = sum(value for name, value in metrics.items() if name.startswith("cgan_viewers"))
    memory, descriptors = metrics["process_resident_memory_bytes"], metrics["process_open_fds"]
    return Sample(seconds, memory, threads, descriptors, viewers)


async def _metrics(session: aiohttp.ClientSession) -> dict[str, float]:
    """The server's metrics by name and labels, read by Prometheus' own parser."""
    async with session.get("/metrics") as answer:
        answer.raise_for_status()
        families = text_string_to_metric_families(await answer.text())
    return {each.name + _labels(**each.labels): each.value for family in families for each in family.samples}


def _labels(**labels: str) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    return f"{{{inner}}}" if inner else ""


@click.command()
@click.option("--seconds", type=float, default=600.0, show_default=True, help="How long the load lasts.")
@click.option("--viewers", type=int, default=50, show_default=True, help="Viewers; every other one stalls.")
@click.option("--rate", type=int, default=25, show_default=True, help="Frames a second of each camera.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all that was counted here.")
def main(seconds: float, viewers: int, rate: int, json_file: Path | None) -> None:
    """Run a server of cameras under load, and say whether anything grew or was counted wrong."""
    settings = SoakSettings(seconds, viewers, rate, drop_every=min(20.0, seconds / 4))
    load = BackgroundLoad()
    with tempfile.TemporaryDirectory(prefix="cgan-soak-") as folder:
        found = soak(settings, Path(folder))
    summary = found.summary()
    write_document(new_document("cgan-soak", 1, describe_machine(1, load.share()), **summary), json_file)
    for name in ("memory_growth", "thread_growth"):
        click.echo(f"{name.replace('_', ' ')}: {summary[name]:+.2%}")
    for camera in CAMERAS:
        click.echo(f"{camera}: {found.sent[camera]} frames sent by the camera, viewers got {found.received[camera]}")
    losses = sum(found.losses.values())
    click.echo(f"{losses} losses, {found.disconnected} stalled viewers disconnected, {found.played} frames played")
    for failure in summary["failures"]:
        click.echo(f"wrong: {failure}")
    sys.exit(1 if summary["failures"] else 0)


if __name__ == "__main__":
    main()
