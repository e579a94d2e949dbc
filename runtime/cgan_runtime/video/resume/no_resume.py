"""A video that no later run can resume: the output is a pipe, or the input can be read only once.

with NonResumableOutput(output) as work:
    ...                                             # write to work.output.destination
    work.publish()

It has the interface of `WorkFolder` and keeps nothing.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from cgan_runtime.files.output import Output


class NonResumableOutput(AbstractContextManager["NonResumableOutput"]):
    """A video in the making.

    Attributes:
        output: Where it goes.
        resumable: Whether a later run can go on with it.
        kept_frames: Frames of an earlier run.
        filter_state: State of the temporal filter after them.
    """

    resumable = False
    kept_frames = 0
    filter_state = b""

    def __init__(self, output: Output) -> None:
        self.output = output
        output.begin()

    def __exit__(self, *_: object) -> None:
        self.output.discard()

    def publish(self) -> None:
        """Give the complete video its name; errors as of `Output.publish`."""
        self.output.publish()
