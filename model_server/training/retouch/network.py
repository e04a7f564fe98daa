# SPDX-License-Identifier: GPL-3.0-or-later
"""The condition network of Retouch: a small photograph to the edits of a global colour map, one for each look.

After CSRNet (He et al., ECCV 2020), whose condition vector chooses a map of three 1x1 convolutions; here it chooses the
house's own edits, which people can dial.  A second head compares two condition vectors: it gives the map that brings a
photograph to the look of another one.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gimp_saliency.shared.choices import LOOKS
from gimp_saliency.shared.edits import CURVE_NODES, SEGMENTS
from model_server.predict.retouch_map import CONDITION
from model_server.predict.vector import COUNT, PLACES

from .. import operators
from ..colour import average_inside, measure_difference, to_lab
from ..models import Standardise
from ..trunk import STRIDES, Trunk
from .looks import list_looks
from .pairs import apply_vector

TAPS = (24, 40, 112)  # of EfficientNet-lite0
_BINS = 12  # of the histograms
# What the network may say at most: stops, and binary logarithms of gains and slopes.
RANGES = {"exposure": 3.0, "saturation": 1.2, "white-balance": 0.6, "tone": 2.0, "curves": 0.7}
_TONE_WAVES, _CHANNEL_WAVES = 6, 4  # cosines that make the slopes of a curve
_RAW = 5 + _TONE_WAVES + 3 * _CHANNEL_WAVES
_DEEPEST = 3.5  # binary logarithm; how much flatter a curve may be where a photograph has nothing, below its black
_ENDS = 61, 614  # pixels of the canvas, 0.5 and 5 %, that are darker than what counts for dark, or lighter than light
_BRIGHTEST = 12  # pixels of the canvas, a thousandth of them, that exposure may clip
_THIN = 3  # px; along each side one pixel out of so many tells how much a map changes
# CIE76 up to which the network takes a change for its own doubt, as found on photographs to choose by.
_DOUBT = 0.5
_LEAK = 0.2  # of the slope, where exposure would darken
_SMALL = 1e-4


class Answer(NamedTuple):
    """parameters: [N, looks, COUNT]; condition: [N, CONDITION]."""

    parameters: Tensor
    condition: Tensor


class RetouchNetwork(nn.Module):
    """Trunk features and the distribution of the colours; all looks in one pass."""

    def __init__(self, hidden: int = 192) -> None:
        super().__init__()
        self.trunk = Trunk(TAPS)
        numbers = sum(TAPS) + TAPS[-1] + 5 * (2 + _BINS) + 9 + 4 * 2 * len(_ENDS)
        self.standardise = Standardise(numbers)
        self.read = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(numbers, hidden), nn.GELU(),
            nn.Dropout(0.2), nn.Linear(hidden, CONDITION), nn.GELU(),
        )  # fmt: skip
        self.plain = nn.Linear(CONDITION, _RAW)
        self.looks = nn.Linear(CONDITION, (len(LOOKS) - 1) * _RAW)
        self.match = nn.Sequential(nn.Linear(3 * CONDITION, hidden), nn.GELU(), nn.Linear(hidden, _RAW))
        self.register_buffer("vectors", list_looks()[1:], persistent=False)
        self.register_buffer("tone_waves", _make_waves(_TONE_WAVES))
        self.register_buffer("channel_waves", _make_waves(_CHANNEL_WAVES))
        for head in (self.plain, self.looks, self.match[2]):
            for parameter in head.parameters():
                nn.init.zeros_(parameter)

    vectors: Tensor
    tone_waves: Tensor
    channel_waves: Tensor

    def forward(self, picture: Tensor, valid: Tensor, reference: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What retouch.onnx computes: parameters [looks, COUNT], condition [1, CONDITION], matched [1, COUNT].

        picture: [1, 3, H, W] display-encoded 0..1, sides multiples of 32; valid: [1, 1, H, W], 1 on the picture;
        reference: the condition of another photograph [1, CONDITION]; matched: the map to its look.
        """
        answer = self.predict(picture, valid)
        matched = self.match_look(picture, valid, answer.condition, reference)
        return answer.parameters[0], answer.condition, matched

    def predict(self, picture: Tensor, valid: Tensor) -> Answer:
        """The same of a batch."""
        condition = self.read(self.standardise(self.describe(picture, valid))).float()
        room = find_room(picture, valid)
        plain = self._make(self.plain(condition), room)
        if not self.training:
            plain = _doubt(plain, measure_change(picture, valid, plain))
        own = self.looks(condition).view(-1, len(LOOKS) - 1, _RAW)
        looks = [
            limit_exposure(plain + self.vectors[number] + self._make(own[:, number], None), room.light)
            for number in range(len(LOOKS) - 1)
        ]
        return Answer(torch.stack([plain, *looks], 1), condition)

    def match_look(self, picture: Tensor, valid: Tensor, condition: Tensor, reference: Tensor) -> Tensor:
        """The maps that bring photographs to the look of others: [N, COUNT]."""
        compared = torch.cat([condition, reference, reference - condition], 1)
        return self._make(self.match(compared), find_room(picture, valid))

    def describe(self, picture: Tensor, valid: Tensor) -> Tensor:
        """What there is to know of photographs, not yet standardised: [N, numbers]."""
        features = [each.float() for each in self.trunk(picture.contiguous(memory_format=torch.channels_last))]
        pooled = [_average(each, F.avg_pool2d(valid, STRIDES[tap])) for tap, each in zip(TAPS, features)]
        last, weights = features[-1], F.avg_pool2d(valid, STRIDES[TAPS[-1]])
        spread = (_average(last.square(), weights) - pooled[-1].square()).clamp(min=1e-6).sqrt()
        return torch.cat([*pooled, spread, describe_colours(picture, valid), find_ends(picture, valid)], 1)

    def _make(self, raw: Tensor, room: Room | None) -> Tensor:
        """Raw numbers [N, _RAW], all 0 at the identity, to parameters [N, COUNT].  room: None: it does not matter."""
        raw = raw.float()
        nothing = raw[:, :1] * raw.new_zeros(1, COUNT)  # of any batch
        tone, channels = raw[:, 5 : 5 + _TONE_WAVES], raw[:, 5 + _TONE_WAVES :].reshape(-1, 3, _CHANNEL_WAVES)
        parts = {
            # Never darker: white that is clipped would turn grey.  What is too light, the tone curve darkens.
            "exposure": _cut_below_zero(torch.tanh(raw[:, :1])),
            "saturation": torch.tanh(raw[:, 1:2]),
            "white-balance": torch.tanh(raw[:, 2:4]),
            "tone": torch.tanh(tone @ self.tone_waves),
            "curves": torch.tanh(channels @ self.channel_waves).reshape(-1, 3 * SEGMENTS),
        }
        places = sorted(PLACES.items(), key=lambda each: each[1].start)
        pieces = [RANGES[name] * parts[name] if name in parts else nothing[:, place] for name, place in places]
        made = torch.cat(pieces, 1)
        if room is None:
            return made
        made = limit_exposure(made, room.light)
        deeper = _DEEPEST * _cut_below_zero(torch.tanh(raw[:, 4:5])) * find_empty(room.dark, made)
        place = PLACES["tone"]
        return torch.cat([made[:, : place.start], made[:, place] - deeper, made[:, place.stop :]], 1)


def _cut_below_zero(values: Tensor) -> Tensor:
    """0 where values are negative, but with some of their slope: else what is 0 once would stay so for ever."""
    return torch.where(values > 0, values, _LEAK * (values - values.detach()))


def limit_exposure(parameters: Tensor, room: Tensor) -> Tensor:
    """Parameters [N, COUNT] with no more exposure than the headroom [N], in EV."""
    place = PLACES["exposure"]
    assert place == slice(0, 1)
    return torch.cat([torch.minimum(parameters[:, :1], room[:, None]), parameters[:, 1:]], 1)


class Room(NamedTuple):
    """What photographs leave free at both ends, [N] each.

    light: stops that they could be lighter until more than a few pixels are clipped; dark: their black, 0..1 encoded.
    """

    light: Tensor
    dark: Tensor


def find_room(picture: Tensor, valid: Tensor) -> Room:
    """What photographs [N, 3, H, W] leave free."""
    light = picture.mean(1, keepdim=True)
    return Room(find_headroom(picture, valid), _find_end(light, valid, _ENDS[0], largest=False)[:, 0])


def find_empty(dark: Tensor, parameters: Tensor) -> Tensor:
    """The share of each segment of the tone curve that lies below a photograph's black [N]: [N, SEGMENTS].

    parameters: [N, COUNT], of which exposure comes before the curve.
    """
    black = operators.encode(operators.decode(dark) * torch.pow(2.0, parameters[:, 0]))[:, None]
    nodes = parameters.new_tensor(CURVE_NODES)
    return ((black - nodes[:-1]) / (nodes[1:] - nodes[:-1])).clamp(0, 1)


def find_ends(picture: Tensor, valid: Tensor) -> Tensor:
    """Where the darks and lights of R', G', B' and lightness end: [N, numbers]."""
    planes = torch.cat([picture, picture.mean(1, keepdim=True)], 1)
    ends = [_find_end(planes, valid, count, largest) for count in _ENDS for largest in (False, True)]
    return torch.cat(ends, 1)


def _find_end(planes: Tensor, valid: Tensor, count: int, largest: bool) -> Tensor:
    """The value of planes [N, C, H, W] beyond which so many pixels are: [N, C]."""
    beside = -1.0 if largest else 2.0  # of any value of the picture
    values = (planes * valid + beside * (1 - valid)).flatten(2)
    found = values.topk(count, 2, largest).values
    return (found.amin(2) if largest else found.amax(2)).clamp(0, 1)


def find_headroom(picture: Tensor, valid: Tensor) -> Tensor:
    """How many stops lighter photographs could be until more than a few pixels are clipped: [N], 0 or more."""
    brightest = (operators.decode(picture).amax(1, keepdim=True) * valid).flatten(1)
    top = brightest.topk(_BRIGHTEST).values[:, -1]
    return -torch.log2(top.clamp(1 / 4096, 1))


def measure_change(picture: Tensor, valid: Tensor, parameters: Tensor) -> Tensor:
    """The mean CIE76 by maps [N, COUNT] of photographs [N, 3, H, W]: [N]."""
    few, weights = picture[:, :, ::_THIN, ::_THIN], valid[:, :, ::_THIN, ::_THIN]
    before, after = (to_lab(operators.decode(each)) for each in (few, apply_vector(few, parameters)))
    return average_inside(measure_difference(before, after), weights)


def describe_colours(picture: Tensor, valid: Tensor) -> Tensor:
    """Mean, deviation and histogram of R', G', B', lightness and chroma, and the mean colour of darks to lights."""
    light = picture.mean(1, keepdim=True)
    chroma = picture.amax(1, keepdim=True) - picture.amin(1, keepdim=True)
    planes = torch.cat([picture, light, chroma], 1)
    mean = _average(planes, valid)
    deviation = (_average(planes.square(), valid) - mean.square()).clamp(min=1e-6).sqrt()
    places = torch.arange(_BINS).to(planes) / (_BINS - 1)
    shares = [_average((1 - (planes - place).abs() * (_BINS - 1)).clamp(min=0), valid) for place in places]
    tints = []
    for centre in (0.15, 0.5, 0.85):
        weights = valid * (1 - (light - centre).abs() * 3).clamp(min=0) * (1 - 3 * chroma).clamp(min=0.02)
        tints.append(_average(picture - light, weights))
    return torch.cat([mean, deviation, *shares, *tints], 1)


def _average(values: Tensor, weights: Tensor) -> Tensor:
    """Weighted means of values [N, C, h, w] with weights [N, 1, h, w]: [N, C]."""
    return (values * weights).sum((2, 3)) / (weights.sum((2, 3)) + _SMALL)


def _make_waves(count: int) -> Tensor:
    """The slopes of `count` cosines in each segment: [count, SEGMENTS]."""
    steps = (torch.arange(SEGMENTS) + 0.5) / SEGMENTS
    return torch.cos(math.pi * torch.arange(1, count + 1)[:, None] * steps)


def _doubt(parameters: Tensor, change: Tensor) -> Tensor:
    """Maps [N, COUNT] drawn in by what is doubtful of what they change [N], as wavelets are denoised."""
    return parameters * (1 - _DOUBT / (change + _SMALL)).clamp(min=0)[:, None]
