"""Sends an encoded video to an RTSP server, in a process of its own. stream_output.py starts it.

FFmpeg answers for nothing while it connects, and PyAV holds Python's lock meanwhile: in the server's own process
every camera and every page would stand still for as long as an RTSP server does not answer.

    python -m cgan_runtime.live.sinks.rtsp_sender

Standard input is a line with the address, then the video as NUT. Standard output gets a dot for each packet that was
sent, and after a failure its reason. The process ends when its input does.
"""

from __future__ import annotations

import signal
import sys
from typing import BinaryIO

import av

from cgan_runtime.video.ffmpeg_errors import reason_of

SENT = b"."
_TIMEOUT = 5.0  # seconds, for the RTSP server to take what is sent
_PROBE_BYTES = 32  # the header of NUT says all


def main() -> None:
    """Send what comes until it ends, or the RTSP server is lost."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that feeds this one
    answers = sys.stdout.buffer
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as source:
        url = source.readline().decode().strip()
    try:
        _send(url, answers)
    except (av.FFmpegError, OSError, ValueError) as error:
        answers.write(f"\n{reason_of(error)}".encode())
        answers.flush()


def _send(url: str, answers: BinaryIO) -> None:
    quick = {"probesize": str(_PROBE_BYTES), "analyzeduration": "0", "fflags": "nobuffer"}
    options = {"rtsp_transport": "tcp", "timeout": str(round(_TIMEOUT * 1e6))}
    with (
        av.open("pipe:0", format="nut", options=quick) as video,
        av.open(url, "w", format="rtsp", options=options) as output,
    ):
        stream = output.add_stream_from_template(video.streams.video[0])
        for packet in video.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux_one(packet)
                answers.write(SENT)
                answers.flush()


if __name__ == "__main__":
    main()
