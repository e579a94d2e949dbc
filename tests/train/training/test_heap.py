"""What a training step frees stays with the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import resource, sys
import torch
from cgan_train.training.heap import keep_freed_memory
if sys.argv[1] == "keep" and not keep_freed_memory():
    sys.exit(3)
for number in range(6):
    if number == 1:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    tensors = [torch.ones(5_000_000) for _ in range(4)]  # 20 MB each
    del tensors
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks glibc, which Linux has")
def test_freed_tensors_are_not_asked_for_again() -> None:
    def faults(mode: str) -> int:
        done = subprocess.run([sys.executable, "-c", _PROGRAM, mode], capture_output=True, text=True, check=False)
        if done.returncode == 3:
            pytest.skip("this C library has no mallopt")
        return int(done.stdout)

    assert faults("keep") < 2_000 < faults("default")
