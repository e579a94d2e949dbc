"""What a result says in one line: no ratio where it is too noisy to judge."""

from __future__ import annotations

import pytest
from tests.benchmarks.example_results import made_up

from cgan_benchmarks.render.headline import headline


def test_a_quiet_result_has_its_ratio() -> None:
    assert headline(made_up()) == "4.0 times as fast as PyTorch, by OpenVINO"


@pytest.mark.parametrize("others", [0.05, 0.82])
def test_load_is_too_noisy(others: float) -> None:
    document = made_up()
    document["machine"] |= {"others": others}
    assert headline(document) == f"edge: too noisy to judge: other programs took {100 * others:.0f} % of the processor"


def test_a_wide_interval_is_too_noisy() -> None:
    document = made_up(openvino=0.5)
    document["rows"][1]["speedup_interval"] = [21.0, 93.0]
    assert headline(document) == "edge: too noisy to judge: the interval is 21 to 93"


def test_an_interval_of_a_third_is_good_enough() -> None:
    document = made_up()
    document["rows"][1]["speedup_interval"] = [3.4, 4.7]
    assert headline(document).startswith("4.0 times")
