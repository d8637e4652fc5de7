"""What the tests of panels share: small files, and a plain reading of them to compare with."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from liveopt.data.panel.panel import Float64

LEGACY = """\
Date,Zone,Day,SENSEX 944-1244 SL31%TP57%,"NIFTY, weekly",Δ-neutral
2024-01-02,Zone 1,Tuesday,10.5,-3,0
2024-01-03,Zone 2,Wednesday,,4.25,-1e2
2024-01-04,Zone 1,Thursday,-7,0.125,3
"""
ENHANCED = """\
Date,start_time,end_time,day,zone,market_regime,Regime_Confidence_%,\
Market_regime_transition_threshold,capital,symbol,strategy_1,strategy_2
15-01-2024,09:15,15:30,Mon,A,Bullish,85,0.4,100000,NIFTY,120,-5.5
16-01-2024,11:00,15:30,Tue,B,Bearish,,0.6,100000,NIFTY,-60,1
16-01-2024,09:15,11:00,Tue,A,Bullish,70.5,,,NIFTY,5,2
"""


def put(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """A file of this text, as it stands."""
    path.write_bytes(text.encode(encoding))
    return path


def plainly(path: Path, columns: Sequence[str]) -> Float64:
    """The numbers of some columns by Python's own reader; 0 where a cell is empty."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name] or 0) for row in rows] for name in columns])
