"""The drawing has a line for every gate, and the lines are the shares."""

import re
from math import inf
from xml.etree import ElementTree as ET

import pytest

from liveopt.optimize.gate_study.crew import Found
from liveopt.optimize.gate_study.figure import curve, drawing
from liveopt.optimize.gate_study.plan import Plan
from liveopt.optimize.gate_study.trial import Trial


def test_a_curve_climbs_by_one_run_s_share_where_it_happens() -> None:
    line = curve([200.0, inf, 100.0, 200.0], 500.0)
    assert line[0] == (0.0, 0.0)
    assert (100.0, 0.25) in line
    assert (200.0, 0.75) in line
    assert line[-1] == (500.0, 0.75)
    assert [y for _, y in line] == sorted(y for _, y in line)


@pytest.mark.parametrize("with_edges", [True, False])
def test_the_drawing_is_sound_xml_with_a_line_for_each_gate(with_edges: bool) -> None:
    null = Trial({"gate": inf, "naive": 100.0}, {})
    edge = Trial({"gate": inf, "naive": inf}, {"gate": [250.0], "oracle": [500.0]})
    plan = Plan(bars=500, rhos=(0.5,), nulls=1, edges=int(with_edges))
    text = drawing(plan, Found([null], [edge] if with_edges else []))
    root = ET.fromstring(text)
    lines = re.findall(r'polyline points="([^"]+)"', text)
    assert root.tag.endswith("svg")
    assert len(lines) == (4 if with_edges else 2)
    words = "".join(root.itertext())
    assert "naive" in words
    assert ("oracle" in words) == with_edges
