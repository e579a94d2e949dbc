"""What each stage of coloring one video costs, in processor time.

costs = measure(Path("in.mp4"), Path("out.mp4"))
python -m cgan_benchmarks.video.stages in.mp4 out.mp4                   # the same, as a line of JSON

The stages run one after the other in one thread, with one thread of decoder, network and encoder, so that processor
time belongs to one stage.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cgan_benchmarks.machine.process import peak_memory_mb
from cgan_runtime.console import one_line
from cgan_runtime.errors import CganError

STAGES = ("decode", "gray and resize", "network", "temporal", "enlarge", "encode")

Costs = dict[str, float]
"""By stage: core-milliseconds a frame; and "network runs", a share of the frames, and "megabytes", the peak."""


class Account:
    """Processor time of all threads by stage; a stage within another counts to the inner one alone."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._stack: list[str] = []
        self._since = time.process_time()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what is spent in the block."""
        self._settle()
        self._stack.append(name)
        try:
            yield
        finally:
            self._settle()
            self._stack.pop()

    def counted(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function; its time counts to a stage."""

        def within(*args: Any, **named: Any) -> Any:
            with self.stage(name):
                return function(*args, **named)

        return within

    def _settle(self) -> None:
        now = time.process_time()
        if self._stack:
            self.seconds[self._stack[-1]] += now - self._since
        self._since = now


def measure(source: Path, target: Path) -> Costs:
    """Color a video stage by stage, in this process and in one thread, with the defaults of `cgan-run`."""
    import cv2

    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.files.output import output_for
    from cgan_runtime.temporal.filter import TemporalFilter
    from cgan_runtime.video.frame_layout import luma_plane
    from cgan_runtime.video.read.reader import VideoReader
    from cgan_runtime.video.segments import Colored
    from cgan_runtime.video.write.codecs import EncoderSettings
    from cgan_runtime.video.write.open_writer import plan_layout
    from cgan_runtime.video.write.writer import VideoWriter

    cv2.setNumThreads(1)
    account, frames, encoder, output = Account(), 0, EncoderSettings(codec_threads=1), output_for(target)
    with Colorizer.open(threads=1) as colorizer, VideoReader(source, threads=1) as reader:
        layout, temporal = plan_layout(reader, encoder, output), TemporalFilter()
        predict = account.counted("gray and resize", colorizer.predict)
        temporal.step = account.counted("temporal", temporal.step)  # type: ignore[method-assign]
        colorizer.backend.infer = account.counted("network", colorizer.backend.infer)  # type: ignore[method-assign]
        with VideoWriter(output, reader, layout, encoder) as writer:
            items = iter(reader)
            while True:
                with account.stage("decode"):
                    item: Any = next(items, None)
                if item is None:
                    break
                if not hasattr(item, "planes"):
                    writer.write(item)  # a packet of audio
                    continue
                frame = layout.prepare(item)
                prediction = predict(luma_plane(frame), layout.encoding, layout.chroma_shape, temporal)
                with account.stage("enlarge"):
                    colored = layout.colored(frame, *colorizer.enlarge(prediction))
                with account.stage("encode"):
                    writer.write(Colored(colored))
                frames += 1
            with account.stage("encode"):
                writer.finish()
    costs = {stage: 1e3 * seconds / frames for stage, seconds in account.seconds.items()}
    return costs | {"network runs": temporal.predictions / frames, "megabytes": peak_memory_mb()}


def main() -> None:
    """Measure one video and print its costs as JSON; on failure one line on stderr."""
    source, target = sys.argv[1:]
    try:
        print(json.dumps(measure(Path(source), Path(target))))
    except CganError as error:
        sys.exit(one_line(str(error)))


if __name__ == "__main__":
    main()
