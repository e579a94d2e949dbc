"""Size and rate that follow the load: a camera is colored more coarsely, then less often, rather than late.

    adapter = Adapter(full_size=256)
    adapter.add(delay=0.080, wanted=1 / 30, now=clock())     # after each frame; sets adapter.size and adapter.rate

The delay of a frame is the time from when it was there to when it was colored. As long as that is less than the
time to the next frame, the machine keeps up, whatever else it does and however many cameras it colors. The network's
time grows about with the area of its input, so the size at which it would keep up can be told from one delay.
"""

from __future__ import annotations

from collections import deque
from statistics import median

WINDOW_SECONDS = 2.0  # between two decisions
LEAST_FRAMES = 4  # that a decision is made from
KEEPS_UP = 0.8  # of the time to the next frame: what a delay may be after a change
CALM_WINDOWS = 3  # in which a larger size would have kept up, before it is taken
MAX_CALM_WINDOWS = 96  # that wait doubles each time when a larger size had to be given up again
SIZE_STEP = 32  # pixels
LEAST_SHARE = 0.5  # of the full size: coarser color is no longer worth it, and rate is given up instead


class Adapter:
    """Decides for one camera. Pure: it knows only what `add` is told.

    Attributes:
        on: Whether it decides; may be set. `size` and `rate` are the full ones without it.
        size: The network's input, pixels as of `--size`; may be set while `on` is false.
        rate: Most frames a second that should be colored; None is as many as there are.
        suggestion: A size at which the camera would keep up, while it does not; None otherwise.
    """

    def __init__(self, full_size: int, *, on: bool = True, any_size: bool = True) -> None:
        """Begin at the full size; without `any_size` there is no other, and only the rate follows the load."""
        self.full_size, self.size = full_size, full_size
        self._any_size = any_size
        self.rate: float | None = None
        self.suggestion: int | None = None
        self._on = on
        self._delays: list[float] = []
        self._wanted: list[float] = []
        self._since: float | None = None  # when the window began
        self._calm, self._calm_needed, self._tried = 0, CALM_WINDOWS, False

    @property
    def sizes(self) -> list[int]:
        """The sizes that it chooses from, rising to the full one."""
        if not self._any_size:
            return [self.full_size]
        least = max(SIZE_STEP, round(LEAST_SHARE * self.full_size / SIZE_STEP) * SIZE_STEP)
        return [*range(least, self.full_size, SIZE_STEP), self.full_size]

    @property
    def on(self) -> bool:
        """Whether size and rate follow the load."""
        return self._on

    @on.setter
    def on(self, value: bool) -> None:
        if value != self._on:
            self._on, self.rate = value, None
            self._calm, self._calm_needed, self._tried = 0, CALM_WINDOWS, False
            self._begin(None)

    def hold(self, size: int) -> None:
        """Color at this size from now on, whatever the load."""
        self.on = False
        self.size, self.suggestion = size, None

    def add(self, delay: float, wanted: float, now: float) -> None:
        """Take in a colored frame.

        Args:
            delay: Seconds from when it was there to when it was colored.
            wanted: Seconds from one frame to the next, if all that the camera delivers were colored.
            now: The time, seconds of any clock.
        """
        if self._since is None:
            self._since = now
        self._delays.append(delay)
        self._wanted.append(wanted)
        if now - self._since >= WINDOW_SECONDS and len(self._delays) >= LEAST_FRAMES:
            self._decide(median(self._delays), median(self._wanted))
            self._begin(now)

    def _begin(self, now: float | None) -> None:
        self._delays.clear()
        self._wanted.clear()
        self._since = now

    def _decide(self, delay: float, wanted: float) -> None:
        fitting = [size for size in self.sizes if delay * (size / self.size) ** 2 <= KEEPS_UP * wanted]
        smaller = [size for size in fitting or self.sizes[:1] if size < self.size]
        late = delay > wanted
        self.suggestion = max(smaller, default=None) if late else None
        if self._on and late:
            self._step_down(delay, self.suggestion)
        elif self._on:
            self._step_up(max(fitting, default=self.size))

    def _step_down(self, delay: float, size: int | None) -> None:
        """Take a smaller size; where there is none, color less often, and evenly."""
        if self._tried:
            self._calm_needed = min(2 * self._calm_needed, MAX_CALM_WINDOWS)
        self._calm, self._tried = 0, False
        if size is None:
            self.rate = KEEPS_UP / delay
        else:
            self.size = size

    def _step_up(self, fitting: int) -> None:
        """Take back the rate, then the size, after some calm; what does not last is tried less often."""
        if self.rate is None and fitting <= self.size:
            self._calm = 0
            return
        self._calm += 1
        if self._calm < self._calm_needed:
            return
        self._calm, self._tried = 0, True
        if self.rate is not None:
            self.rate = None
        else:
            self.size = min(size for size in self.sizes if size > self.size)


class Flow:
    """How many frames came and how many were colored, in the last seconds."""

    _SECONDS = 3.0
    _MOST = 720  # frames that are remembered: three seconds at 240 a second

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=self._MOST)  # time, frames that had come by then

    def add(self, arrived: int, now: float) -> None:
        """Count a frame that was colored now, when `arrived` frames had come in all."""
        if self._seen and arrived < self._seen[-1][1]:  # the camera was opened anew
            self._seen.clear()
        self._seen.append((now, arrived))

    def age(self, now: float) -> float | None:
        """Seconds since the last frame was colored; None before the first."""
        return now - self._seen[-1][0] if self._seen else None

    def rate(self, now: float) -> float:
        """Frames colored a second; 0 if there were none in the last seconds."""
        times = [time for time, _ in self._recent(now)]
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0.0

    def incoming(self, now: float) -> float:
        """Frames that came a second; 0 while that is not known."""
        recent = self._recent(now)
        if len(recent) < 2 or recent[-1][0] <= recent[0][0]:
            return 0.0
        return (recent[-1][1] - recent[0][1]) / (recent[-1][0] - recent[0][0])

    def left_out(self, now: float, most: float) -> float:
        """Share of frames that were not colored though they were wanted, 0 to 1; `most` a second are wanted."""
        wanted = min(self.incoming(now), most)
        return min(max(0.0, 1 - self.rate(now) / wanted), 1.0) if wanted else 0.0

    def _recent(self, now: float) -> list[tuple[float, int]]:
        """The frames of the last seconds; of a camera that is slower, the last two while it goes on."""
        recent = [each for each in self._seen if now - each[0] <= self._SECONDS]
        last_two = list(self._seen)[-2:]
        goes_on = len(last_two) == 2 and now - last_two[1][0] <= 2 * (last_two[1][0] - last_two[0][0])
        return last_two if len(recent) < 2 and goes_on else recent
