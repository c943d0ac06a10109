"""Quality flags: what the tests of QARTOD say of an observation, packed into one number.

Two bits for each test (0 not evaluated, 1 pass, 2 suspect, 3 fail) and two more marks, 16 in all.
Flags never remove a row and never change after a commit. The spike test needs the value that
follows, so the row that follows carries its verdict: SPIKE in a row is about the row before it in
its series that is IN_TURN; whoever reads a series moves it back (`lake.query`).

Values of verdicts: QARTOD, "Manual for Real-Time Quality Control", U.S. IOOS, and IOC 54:V3.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from zhiyin.lake.model import Flags, Mask

Packed = NDArray[np.int32]


class Verdict(IntEnum):
    """The flag of one test or of all together."""

    PASS = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9

    @property
    def key(self) -> str:
        return self.name.lower()


class QualityTest(IntEnum):
    """A test, by where its two bits stand."""

    GROSS = 0
    CLIMATOLOGY = 2
    SPIKE = 4  # about the row before
    RATE = 6
    FLAT = 8
    GAP = 10
    NEIGHBOUR = 12

    @property
    def key(self) -> str:
        return self.name.lower()


MISSING = 1 << 14  # the value is no number
IN_TURN = 1 << 15  # newer than all before it: judged with what came before
PATTERNS = 1 << 16
LOW = sum(1 << test for test in QualityTest)  # the lower bit of every test
SPIKE = 3 << QualityTest.SPIKE
_OF_CODE = (Verdict.NOT_EVALUATED, Verdict.PASS, Verdict.SUSPECT, Verdict.FAIL)


def coded(test: QualityTest, *steps: Mask) -> Packed:
    """Return pass, suspect or fail for a test: each step that holds is one worse."""
    code = np.full(len(steps[0]), 1, np.int32)
    for step in steps:
        code += step
    code <<= int(test)
    return code


def aggregate(flags: Packed) -> Flags:
    """Return the verdict of all tests together: the worst of those that were evaluated."""
    low, high = flags & LOW, (flags >> 1) & LOW
    verdict = np.full(len(flags), Verdict.NOT_EVALUATED, np.uint8)
    verdict[low != 0] = Verdict.PASS
    verdict[high != 0] = Verdict.SUSPECT
    verdict[(low & high) != 0] = Verdict.FAIL
    verdict[(flags & MISSING) != 0] = Verdict.MISSING
    return verdict


def of_test(flags: Packed, test: QualityTest) -> Flags:
    """Return the verdict of one test."""
    found: Flags = np.array(_OF_CODE, np.uint8)[(flags >> test) & 3]
    return found


def shown(flags: int | None) -> dict[str, str]:
    """Return the verdict of all, then of each test that was evaluated, in words."""
    packed = flags or 0
    told = {"aggregate": Verdict(int(aggregate(np.array([packed], np.int32))[0])).key}
    for test in QualityTest:
        if code := (packed >> test) & 3:
            told[test.key] = _OF_CODE[code].key
    return told


def counts(flags: Packed) -> dict[tuple[str, str], int]:
    """Return how many rows each test passed, suspected or failed: {(test, verdict): rows}."""
    rows = np.bincount(flags & (PATTERNS - 1), minlength=PATTERNS)
    told: dict[tuple[str, str], int] = {}
    for pattern in np.flatnonzero(rows).tolist():
        for test in QualityTest:
            if code := (pattern >> test) & 3:
                key = (test.key, _OF_CODE[code].key)
                told[key] = told.get(key, 0) + int(rows[pattern])
    return told
