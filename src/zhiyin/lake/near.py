"""What the neighbours of a series say at a time: the median of their values, for whole batches.

A row is compared with what its own message or an earlier one brought: a neighbour's value of the
same message up to the row's time, else its newest value of the messages before. So it does not
matter which messages are taken together, and a replay after a crash comes to the same.
"""

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from zhiyin.lake.model import Floats, Millis

MOST = 8  # neighbours of a series: those registered first, which later ones never displace
DEGREE = 111_320.0  # metres in a degree of latitude
Index = NDArray[np.intp]


class Rows(NamedTuple):
    """Rows sorted by series, then time; `part` is the message each came with."""

    series: Index
    time: Millis
    value: Floats
    part: Millis


def within(lon: Floats, lat: Floats, metres: float) -> Index:
    """Return the neighbours of each point within so many metres, (n, MOST), -1 where none.

    Degrees of WGS-84, NaN where a place is not known. Distances are those of a plane that touches
    the earth at the mean latitude: right to 0.1 % within a district.
    """
    found = np.full((len(lon), MOST), -1, np.intp)
    known = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    if not len(known):
        return found
    east = np.cos(np.radians(lat[known].mean())) * DEGREE
    points: Any = shapely.points(lon[known] * east, lat[known] * DEGREE)
    tree = shapely.STRtree(points)
    of, other = known[tree.query(points, predicate="dwithin", distance=metres)]
    apart = of != other
    order = np.lexsort((other[apart], of[apart]))
    of, other = of[apart][order], other[apart][order]
    start = np.flatnonzero(np.append(True, of[1:] != of[:-1])) if len(of) else of
    rank = np.arange(len(of)) - np.repeat(start, np.diff(np.append(start, len(of))))
    first = rank < MOST
    found[of[first], rank[first]] = other[first]
    return found


def median_of(
    rows: Rows, pick: Index, others: Index, time: Millis, value: Floats, reach: Millis
) -> Floats:
    """Return the median of the neighbours' values for the rows at `pick`, NaN where none is known.

    `others` are the neighbours (len(pick), MOST), series or -1; `time` and `value` what each
    series had before these rows; a value further than `reach` ms from the row's time is too old.
    """
    one_each = not bool((rows.series[1:] == rows.series[:-1]).any())
    at, found = (_among_one_each if one_each else _in_batch)(rows, pick, others)
    asked = np.maximum(others, 0)
    their_time = np.where(found, rows.time[at], time[asked])
    their_value = np.where(found, rows.value[at], value[asked])
    own = rows.time[pick][:, None]
    fresh = (their_time >= own - reach[:, None]) & (their_time <= own + reach[:, None])
    values = np.sort(np.where(fresh & (others >= 0), their_value, np.nan), axis=1)  # NaN last
    count = np.isfinite(values).sum(axis=1)
    line = np.arange(len(pick))
    middle: Floats = (
        values[line, np.maximum(count - 1, 0) // 2] + values[line, np.minimum(count // 2, MOST - 1)]
    ) / 2
    return middle


def _among_one_each(rows: Rows, pick: Index, others: Index) -> tuple[Index, NDArray[np.bool_]]:
    """The same as `_in_batch` where each series has one row, as live data mostly have."""
    row_of = np.full(max(int(rows.series[-1]), int(others.max())) + 1, -1, np.intp)
    row_of[rows.series] = np.arange(len(rows.series))
    at: Index = row_of[others]  # of -1 it is the last: any; such a one is no neighbour anyway
    there, at = at >= 0, np.maximum(at, 0)
    part, own = rows.part[at], rows.part[pick][:, None]
    in_time: NDArray[np.bool_] = (part == own) & (rows.time[at] <= rows.time[pick][:, None])
    in_time |= part < own
    return at, in_time & there


def _in_batch(rows: Rows, pick: Index, others: Index) -> tuple[Index, NDArray[np.bool_]]:
    """Return which row of the batch each neighbour is asked by, and whether there is one."""
    moments, moment = np.unique(rows.time, return_inverse=True)
    wide, many = len(moments) + 1, int(rows.part.max()) + 2
    by_time = rows.series * wide + moment
    by_part = rows.series * many + rows.part
    own_part = rows.part[pick][:, None]
    until = by_time.searchsorted(others * wide + moment[pick][:, None], "right") - 1
    within_part = by_part.searchsorted(others * many + own_part, "right") - 1
    earlier = by_part.searchsorted(others * many + own_part, "left") - 1
    same = np.minimum(until, within_part)
    of_same = (same >= 0) & (rows.series[same] == others) & (rows.part[same] == own_part)
    at = np.where(of_same, same, earlier)
    found = (at >= 0) & (rows.series[at] == others)
    return np.maximum(at, 0), found
