# SPDX-License-Identifier: GPL-3.0-or-later
"""The attention tool: edits of a region that move the viewers' attention, and where it is.

Vectors of parameters have the shape [COUNT], those of all orders of application [orders, COUNT]: see vector.Vocabulary.
"""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from gimp_saliency.shared.choices import DOUBTFUL, Boldness, Ranking
from gimp_saliency.shared.edits import Edit
from gimp_saliency.shared.request import PLAIN, EditRequest
from gimp_saliency.shared.styles import Style
from model_server.predict.border import LIMIT, Border
from model_server.predict.canvas import Bytes, Floats, check_picture
from model_server.predict.detail import LEAST
from model_server.predict.editor import Editor, Operators
from model_server.predict.judges import REALISM, SALIENCY, VIEWERS, Judges
from model_server.predict.networks import Networks
from model_server.predict.orders import Candidates
from model_server.predict.plan import Plan
from model_server.predict.scene import Scene
from model_server.predict.styles import choose_styles, is_worthy, sample_styles

EDIT = "edit.onnx"

# Edits that change the region by less than this CIE76 on the mean are left out: they would make layers for nothing.
UNSEEN = 0.5

# How far the learned edit may be taken: the largest that keeps to what the boldness allows, else the least.  Both were
# chosen on the photographs for validation; MODEL_CARD.md says what they are worth.
_FACTORS = (0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.45, 1.75, 2.1, 2.5)


@dataclass(frozen=True)
class _Allowed:
    """What a boldness allows.  told: to the edit network, -1 to 1; realism: to be lost; change: CIE76 of the region."""

    told: float
    realism: float
    change: float


_BOLDNESS = {
    Boldness.SUBTLE: _Allowed(-1.0, 0.06, 8.0),
    Boldness.NATURAL: _Allowed(0.0, 0.2, 14.0),
    Boldness.BOLD: _Allowed(1.0, 0.45, 22.0),
}


@dataclass(frozen=True)
class Figures:
    """What edits do to a region.

    saliency: share of the viewers' attention that falls into the region, 0..1.  realism: the critic's, 0..1.
    """

    saliency_before: float
    saliency_after: float
    realism_before: float
    realism_after: float


@dataclass(frozen=True)
class Prediction:
    """Edits in order of application, at strength 1, and what they do at the strength that was asked for.

    background: those of what surrounds the region, None if nobody asked for them.  border: what shows of one, at the
    strength that was asked for, see `border.Border`.
    """

    edits: list[Edit]
    background: list[Edit] | None
    style: Style
    border: float
    figures: Figures | None  # None: nobody asked for them


@dataclass(frozen=True)
class Look:
    """What viewers and critic say of a picture.

    saliency: share of the viewers' attention that falls into the region, 0..1; viewers: the same by each of them.
    realism: the region's, 0..1.  grey: (H, W), where the viewers look, 255 where most.  peak: what 255 stands for, the
    share of all attention that falls into the one cell of the network's grid that draws most, 0..1; the grid has the
    same cells for all pictures of one size, so grey * peak compares their maps.  border: what shows of one that an edit
    left, see `border.Border`; None: nobody asked for it.
    """

    saliency: float
    viewers: tuple[float, ...]
    realism: float
    grey: Bytes
    peak: float
    border: float | None = None


@dataclass(frozen=True)
class Judged:
    """A plan for one region, and the pictures that follow from it.

    candidates: what the order is chosen by, edited in the region alone; outcomes: with what surrounds it, which are the
    same where that is left as it is.
    """

    plan: Plan
    scene: Scene
    candidates: Candidates
    outcomes: Candidates

    def predict(self, index: int, figures: bool = True) -> Prediction:
        """The edits in the order of that index."""
        border = self.outcomes.border(index)
        return Prediction(
            *self.plan.to_edits(index),
            self.plan.request.style_numbers or PLAIN,
            border,
            self._measure_figures(index) if figures else None,
        )

    def measure_move(self, index: int) -> float:
        """How much more of the attention goes where it should."""
        return self.plan.request.sign * (self.outcomes.share(index) - self.scene.share_before)

    def is_worthy(self, index: int, realism: float) -> bool:
        """Whether its style is worth proposing beside what has that realism."""
        return is_worthy(self.measure_move(index), self.outcomes.realism(index), realism)

    def _measure_figures(self, index: int) -> Figures:
        share, realism = self.outcomes.judge(index)
        return Figures(
            saliency_before=self.scene.share_before,
            saliency_after=share,
            realism_before=self.scene.realism_before,
            realism_after=realism,
        )


class Attention:
    """The tool.  Not thread-safe.

    All take a picture (H, W, 4) uint8, display-encoded sRGB and a region's mask, sides of at least 16 pixels.  Raise
    ValueError on anything else and on an empty mask, NetworkError where a network cannot be loaded.
    """

    def __init__(self, networks: Networks, pool: ThreadPoolExecutor, most_border: float = LIMIT) -> None:
        """pool: whose threads judge several pictures at once.  most_border: how much of a border an edit may show.

        Raises NetworkError where a file is not intact.
        """
        self._most_border = most_border
        self._networks = networks
        self._pool = pool
        self._words = networks.words
        self._operators = Operators(networks)
        self._judges = Judges(networks)
        self._edit_files = (EDIT, SALIENCY, REALISM, *self._operators.files)
        self.files = tuple(dict.fromkeys((*self._edit_files, *VIEWERS)))
        networks.check(self.files)

    def predict_edits(self, picture: Bytes, request: EditRequest, figures: bool = True) -> Prediction:
        """Predict the edits of one region.

        By the request's ranking: of all orders of application the one that looks most real ("best-realism"), that moves
        most attention ("best-saliency"), that differs most from these two ("variant-1") and then from these three
        ("variant-2"), or one that the picture's bytes choose ("random"), which no critic sees: it goes as far as the
        network learned, for any picture.
        figures: whether they are wanted; without them "random" takes half the time.
        """
        scene = self._make_scene(picture)
        self._load_networks(request, figures)
        if request.ranking == Ranking.RANDOM:
            index = zlib.crc32(np.ascontiguousarray(picture[::8]).data) % len(self._words.orders)
            return self._judge(scene, request, judged=False).predict(index, figures)
        self._look_ahead(scene, figures)
        asked = self._judge(scene, request)
        return asked.predict(asked.candidates.choose(request.ranking), figures)

    def propose(self, picture: Bytes, request: EditRequest, seed: int | None = None) -> dict[Ranking, Prediction]:
        """The predictions worth choosing among, at least one: best-realism, best-saliency, variant-1, variant-2.

        Left out is what cannot be told from one before.  Each is what `predict_edits` gives with its name as ranking.
        seed: of styles, not negative.  Then all but the first have other styles that are drawn from it, each in the
        order of application that looks most real: "best-saliency" is the style that moves most attention, the variants
        are those that differ most from what stands before them.  Styles that move it the wrong way or look much less
        real than the first are left out.  So it is, too, where no style was asked for and all orders look the same.
        """
        scene = self._make_scene(picture)
        self._networks.load(self._edit_files)
        self._look_ahead(scene, figures=True)
        first = self._judge(scene, request)
        if seed is None:
            distinct = first.candidates.choose_distinct()
            if len(distinct) > 1 or request.style_numbers:
                return {choice: first.predict(index) for choice, index in distinct.items()}
        return self._propose_styles(scene, first, seed or 0)

    def look(self, picture: Bytes, original: Bytes | None = None) -> Look:
        """What viewers and critic say of a picture as it is; original: (H, W, 3), what it was before an edit."""
        check_picture(picture, channels=4)
        canvas = self._networks.format.place(picture)
        areas = {"mask": canvas.place_mask(picture[:, :, 3]), "valid": canvas.valid}
        self._networks.load((*VIEWERS, REALISM))
        density, shares = self._judges.map_and_share(canvas.picture, **areas)
        grey = canvas.restore_map(density, *picture.shape[:2])
        border = None
        if original is not None:
            before = self._networks.format.place(original).picture
            border = Border(before, **areas).measure(canvas.picture)
        realism = self._judges.measure_realism(canvas.picture, **areas)
        return Look(float(np.mean(shares)), shares, realism, grey, float(density.max()), border)

    def map_saliency(self, picture: Bytes) -> Bytes:
        """Where viewers look: picture (H, W, 3) uint8 to a grey map (H, W), 255 where they look most."""
        check_picture(picture, channels=3)
        canvas = self._networks.format.place(picture)
        self._networks.load(VIEWERS)
        return canvas.restore_map(self._judges.map_density(canvas.picture, canvas.valid), *picture.shape[:2])

    def _load_networks(self, request: EditRequest, figures: bool) -> None:
        """Load several at once where the first answer would else wait for one after the other."""
        if figures or request.background or request.ranking not in (Ranking.RANDOM, Ranking.BEST_REALISM):
            self._networks.load(self._edit_files)
        elif request.ranking == Ranking.BEST_REALISM:
            self._networks.load(name for name in self._edit_files if name != SALIENCY)

    def _make_scene(self, picture: Bytes) -> Scene:
        check_picture(picture, channels=4)
        canvas = self._networks.format.place(picture)
        mask = canvas.place_mask(picture[:, :, 3])
        return Scene(canvas, mask, Editor(self._operators, canvas, mask), self._judges)

    def _look_ahead(self, scene: Scene, figures: bool) -> None:
        """Let other threads judge the region as it is, so that who asks for it later finds it."""
        self._pool.submit(lambda: scene.realism_before)
        if figures:
            self._pool.submit(lambda: scene.share_before)

    def _judge(self, scene: Scene, request: EditRequest, judged: bool = True) -> Judged:
        """Run the edit network; the rest waits until it is asked for.

        judged: whether the critic says how far to go in the region, which is as far as the edit is believable.
        """
        inside, around = self._run_network(scene, request)
        if judged:
            inside *= np.float32(self._choose_factor(scene, request, inside[0]))
            self._drop_unseen(scene, inside)
        plan = Plan(inside, around if request.background else None, request, self._words, scene, self._most_border)
        if judged:
            plan.measure_first()
        count, pool = len(self._words.orders), self._pool
        measure = scene.sketch.make_measure(background=False)
        candidates = outcomes = Candidates(plan.render, plan.sketch, scene, measure, request.sign, count, pool)
        if request.background:
            measure = scene.sketch.make_measure(background=True)
            outcomes = Candidates(plan.render_whole, plan.sketch_whole, scene, measure, request.sign, count, pool)
        return Judged(plan, scene, candidates, outcomes)

    def _run_network(self, scene: Scene, request: EditRequest) -> tuple[Floats, Floats]:
        """What the edit network says for all orders: parameters inside the region and around it, [orders, COUNT]."""
        inputs = {
            "picture": scene.canvas.picture,
            "mask": scene.mask,
            "valid": scene.canvas.valid,
            # Only the edits around the region depend on where viewers look.
            "density": scene.density if request.background else scene.make_empty_density(),
            "direction": np.array([request.sign], np.float32),
            "boldness": np.array([_BOLDNESS[request.boldness].told], np.float32),
            "style": np.array([request.style_numbers or PLAIN], np.float32),
        }
        inside, around = self._networks.session(EDIT).run(["inside", "around"], inputs)
        return inside, around

    def _choose_factor(self, scene: Scene, request: EditRequest, inside: Floats) -> float:
        """How many times the parameters [COUNT] are believable inside the region, in the first of all orders."""
        allowed, measure = _BOLDNESS[request.boldness], scene.make_measure(background=False)
        before = measure.cut(scene.canvas.picture)

        def is_allowed(factor: float) -> bool:
            edited = scene.editor.apply(inside * np.float32(factor), None, self._words.orders[0])
            return (
                measure.compare(before, measure.cut(edited)) <= allowed.change
                and scene.detail.measure_kept(edited) >= LEAST
                and scene.realism_before - scene.realism(edited) <= allowed.realism
            )

        # What is too far at one factor is so at all larger ones: halving the rest asks four times instead of ten.
        # Where the critic cannot say, what was learned is enough.
        low, high = 0, len(_FACTORS) - 1 if scene.realism_before >= DOUBTFUL else _FACTORS.index(1.0)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if is_allowed(_FACTORS[middle]) else (low, middle - 1)
        return _FACTORS[low]

    def _drop_unseen(self, scene: Scene, inside: Floats) -> None:
        """Set to 0 what nobody would see, all in all, of the parameters [orders, COUNT], by the first of all orders."""
        measure = scene.sketch.make_measure(background=False)

        def look(parameters: Floats) -> Floats:
            return measure.cut(scene.sketch.editor.apply(parameters, None, self._words.orders[0]))

        kept = inside[0].copy()
        seen = look(kept)
        for place in self._words.places.values():
            without = kept.copy()
            without[place] = 0
            if without.any() and measure.compare(seen, look(without)) < UNSEEN:
                kept = without
                inside[:, place] = 0

    def _propose_styles(self, scene: Scene, first: Judged, seed: int) -> dict[Ranking, Prediction]:
        """The first and those styles drawn from the seed that are worth it."""
        request = first.plan.request
        index = first.candidates.choose(Ranking.BEST_REALISM)
        realism = first.outcomes.realism(index)

        # They are compared in the first one's order of application: all orders of each would take three times as long.
        def judge(style: Style) -> tuple[Judged, bool]:
            other = self._judge(scene, replace(request, style_numbers=style))
            return other, other.is_worthy(index, realism)

        drawn = sample_styles(seed)
        styles = {style: other for style, (other, worthy) in zip(drawn, self._pool.map(judge, drawn)) if worthy}
        looks = {style: (other.outcomes.seen(index), other.measure_move(index)) for style, other in styles.items()}
        found = {Ranking.BEST_REALISM: first.predict(index)}
        measure = scene.sketch.make_measure(request.background)
        for choice, style in choose_styles(first.outcomes.seen(index), looks, measure).items():
            other = styles.pop(style)
            best = other.candidates.choose(Ranking.BEST_REALISM)
            if other.is_worthy(best, realism):
                found[choice] = other.predict(best)
        return found
