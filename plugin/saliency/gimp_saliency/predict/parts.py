# SPDX-License-Identifier: GPL-3.0-or-later
"""The separate parts of a selection, and what of the picture lies nearest to each.

Works on runs of selected pixels, and on whole masks as long integers with a bit a pixel: GIMP's Python has no numpy.
"""

from __future__ import annotations

import re

MOST = 8  # parts; smaller ones beyond that join the nearest of these

Run = tuple[int, int, int]  # row, first column, column after the last


def parts(mask: bytes, width: int, height: int) -> list[bytes]:
    """The separate parts of a selection, largest first: each the mask itself, 0 outside the part.

    mask: width * height bytes, rows from the top, 0 = not selected.  Pixels that touch, be it at a corner, belong to
    one part.  Nothing selected: no parts.
    """
    return [within(mask, cell) for cell in cells(mask, width, height)]


def within(mask: bytes, part: bytes) -> bytes:
    """The mask where the part (0 or 255) is, elsewhere 0."""
    both = int.from_bytes(mask, "big") & int.from_bytes(part, "big")
    return both.to_bytes(len(mask), "big")


def cells(mask: bytes, width: int, height: int) -> list[bytes]:
    """For each of `parts`, in their order, the pixels that are nearest to it: 255 there, 0 elsewhere.

    Each pixel is in exactly one of them, so they divide anything of the picture's shape, and nothing of it is lost.
    """
    components = _components(mask, width, height)
    if len(components) <= 1:
        return [b"\xff" * len(mask)] * len(components)
    seeds = [_paper(width, height) for _ in components[:MOST]]
    for seed, runs in zip(seeds, components):
        _draw(runs, seed, width)
    found = _grow(seeds, width, height)
    if len(components) > MOST:
        for runs in components[MOST:]:
            first = _place(runs[0], width).start
            _draw(runs, next(seed for seed, cell in zip(seeds, found) if cell[first] == _INK), width)
        found = _grow(seeds, width, height)
    as_mask = bytes.maketrans(b"01", b"\x00\xff")
    rows = range(0, height * (width + 1), width + 1)
    return [b"".join(cell[row : row + width] for row in rows).translate(as_mask) for cell in found]


def _components(mask: bytes, width: int, height: int) -> list[list[Run]]:
    """The runs of each connected component, the one with the most pixels first."""
    runs: list[Run] = []
    leaders: list[int] = []  # of each run, an earlier run of the same component, or itself

    def leader(run: int) -> int:
        while leaders[run] != run:
            leaders[run] = run = leaders[leaders[run]]
        return run

    above = range(0)
    for row in range(height):
        first = len(runs)
        candidate = above.start
        for match in re.finditer(rb"[^\0]+", mask[row * width : (row + 1) * width]):
            start, end = match.span()
            run = len(runs)
            runs.append((row, start, end))
            leaders.append(run)
            while candidate < above.stop and runs[candidate][2] < start:
                candidate += 1
            touching = candidate
            while touching < above.stop and runs[touching][1] <= end:
                one, other = leader(touching), leader(run)
                leaders[max(one, other)] = min(one, other)
                touching += 1
        above = range(first, len(runs))
    components: dict[int, list[Run]] = {}
    for number, found in enumerate(runs):
        components.setdefault(leader(number), []).append(found)
    return sorted(components.values(), key=lambda part: -sum(end - start for _, start, end in part))


# A drawing is a text of "0" and "1", which Python turns into a long integer and back in no time.  Each row ends with
# one "0" more, so that nothing grows from a row's end into the beginning of the next.
_INK = ord("1")


def _paper(width: int, height: int) -> bytearray:
    return bytearray(b"0" * ((width + 1) * height))


def _place(run: Run, width: int) -> slice:
    row, start, end = run
    return slice(row * (width + 1) + start, row * (width + 1) + end)


def _draw(runs: list[Run], drawing: bytearray, width: int) -> None:
    for run in runs:
        drawing[_place(run, width)] = b"1" * (run[2] - run[1])


def _grow(seeds: list[bytearray], width: int, height: int) -> list[bytes]:
    """Let all drawings grow at the same speed until they fill the paper.

    Turns in four and in eight directions alternate, which makes octagons, nearly as round as circles.
    """
    bits = [int(seed, 2) for seed in seeds]
    free = int((b"1" * width + b"0") * height, 2) & ~sum(bits)
    down = width + 1
    idle = [0] * len(bits)  # turns without growth; after one of each kind a drawing is surrounded
    turn = 0
    while free:
        turn += 1
        for i, old in enumerate(bits):
            if idle[i] == 2:
                continue
            row = old | old << 1 | old >> 1
            tall = row if turn % 2 else old
            new = (row | tall << down | tall >> down) & free
            bits[i] |= new
            free &= ~new
            idle[i] = 0 if new else idle[i] + 1
    size = len(seeds[0])
    return [f"{value:0{size}b}".encode() for value in bits]
