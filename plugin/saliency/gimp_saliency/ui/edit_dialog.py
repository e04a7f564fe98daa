# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialog of an edit: shows what will happen, follows every control, changes nothing in the image."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from random import randrange
from typing import Any

from gi.repository import Gimp, GimpUi, GLib, GObject, Gtk

from ..image.thumbnail import Thumbnail, read_box, read_channel, read_thumbnail
from ..layers import adjust, frames
from ..layers.target import edits_above
from ..predict.plan import Planned, parse_answer, predict_plan, split_regions
from ..preview.view import View
from ..shared import styles, tracing
from ..shared.client import questions
from ..shared.edits import KINDS, NAMES, NEUTRAL, Edit, from_json, to_json
from ..shared.errors import ServerError, UserError
from ..shared.request import PROPOSED, EditRequest
from ..shared.words import _
from . import manual, panes, pictures, style_name
from .alternatives import SMALL, Alternatives
from .asker import Asked, Asker
from .style_list import StyleList

_LONGEST = 400  # px; of what is shown zoomed in
_AROUND = 0.6  # how much of the region's size is shown around it when zoomed in
_PATIENCE = 120  # ms without a change until the meters are asked for anew

_SEEDS = 1 << 31  # of drawn styles


@dataclass(frozen=True)
class Proposal:
    """An alternative: the edits of all parts, and the style in which they were predicted."""

    plan: list[Planned]
    style: tuple[float, ...]
    own: bool = False  # whether it has a style of its own, other than the one that was asked for


Proposals = dict[str, Proposal]  # by order


def choose(
    procedure: Any, config: Any, image: Any, layer: Any, thumbnail: Thumbnail, direction: str, first: Asked
) -> list[Planned] | None:
    """Let the user set an edit of the selection; what to apply, None if cancelled.

    thumbnail: the picture and its selection; first: what brings the edits that the settings as remembered call for.
    """
    GimpUi.init("saliency")
    dialog = EditDialog(procedure, config, image, layer, thumbnail, direction)
    try:
        return dialog.plan if dialog.run(lambda: dialog.ask(first.result)) else None
    finally:
        dialog.close()


def adjust_values(procedure: Any, config: Any, image: Any, edit: adjust.MadeEdit) -> list[Edit] | None:
    """Let the user set an edit that is there anew; its values at 100 %, None if cancelled."""
    GimpUi.init("saliency")
    before, photo, whole = adjust.before(image, edit)
    try:
        thumbnail = read_thumbnail(before, photo, edits_above(before, photo))
        dialog = EditDialog(procedure, config, before, photo, thumbnail, edit.request.direction, edit, whole)
        try:
            return dialog.plan[0].edits if dialog.run(dialog.take_made) else None
        finally:
            dialog.close()
    finally:
        before.delete()


class EditDialog:
    """GIMP's own dialog for the procedure's arguments, with pictures, alternatives, values and meters.

    All methods are for GTK's thread.  The server is asked in another one, so that nothing ever waits for it.
    """

    def __init__(
        self,
        procedure: Any,
        config: Any,
        image: Any,
        layer: Any,
        thumbnail: Thumbnail,
        direction: str,
        made: adjust.MadeEdit | None = None,
        whole: Any = None,
    ) -> None:
        """made: the edit to adjust; image, layer and thumbnail are as they were before it then.

        whole: a channel of the image with all that is not background; None: what is selected.
        """
        self._config, self._image, self._layer, self._thumbnail = config, image, layer, thumbnail
        self._direction, self._made, self._whole = direction, made, whole
        self.plan: list[Planned] = []
        self._grid = thumbnail.width, thumbnail.height
        self._asker = Asker()
        self._views: dict[bool, View] = {}  # by whether it is the region's
        self._proposals: Proposals = {}
        self._undrawn: list[str] = []  # the orders of the proposals that are still to be shown
        self._looks: dict[str, dict[str, Any]] = {}  # "before" and "after": what the networks see
        self._timer = self._redrawing = self._drawing = 0
        self._since = 0.0
        self._picking = False
        self._failed = ""  # the name of the question whose failure the status line tells of
        self._style: tuple[float, ...] = ()  # of the plan
        self._own = False  # whether that is another style than the settings say
        self._build(procedure)

    def run(self, begin: Callable[[], None]) -> bool:
        """Show the dialog until it is answered; whether by OK.  begin: what to do as soon as it is there."""
        GLib.idle_add(self._begin, begin, priority=GLib.PRIORITY_LOW)
        return bool(self._dialog.run())

    def close(self) -> None:
        """Free what belongs to the dialog.  To be called once."""
        self._asker.close()
        for source in (self._timer, self._redrawing, self._drawing):
            if source:
                GLib.source_remove(source)
        for view in self._views.values():
            view.close()
        self._dialog.destroy()

    def _build(self, procedure: Any) -> None:
        title = str(procedure.get_menu_label()).replace("_", "").rstrip(" …")
        self._dialog = GimpUi.ProcedureDialog.new(procedure, self._config, title)
        manual.connect(self._dialog, "use")
        self._pictures = panes.Pictures(self._show, self._zoom)
        self._meters = panes.Meters()
        self._alternatives = Alternatives(self._picked, self.ask_for_styles)
        self._styles = StyleList(self._choose_style, self._save_style)
        self._values = panes.Values(lambda name: self._dialog.get_widget(name, GObject.TYPE_NONE), self._dialled)
        self._status = panes.Status(None if self._made else self.ask, self._meters.widget)
        settings = panes.settings(self._dialog, self._setting_names())
        if not self._made:
            self._pictures.switches.pack_end(self._styles.widget, False, False, 0)
        elif not self._made.background:
            self._disable("background", _("No edits of the background were predicted with this edit"))
        controls = Gtk.Box(spacing=24, homogeneous=True)
        controls.pack_start(settings, True, True, 0)
        controls.pack_start(self._values.widget, True, True, 0)
        content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
        content.pack_start(self._pictures.widget, True, True, 0)
        for row in (self._meters.widget, self._status.widget, self._alternatives.widget, controls):
            if not self._made or row is not self._alternatives.widget:
                content.pack_start(row, False, False, 0)
        content.show_all()
        if "frames" in self._setting_names() and (why := frames.obstacle(self._image, self._layer)):
            self._disable("frames", why)
        self._dialog.get_content_area().pack_start(content, True, True, 0)
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, False)
        names = ["strength", *NAMES, "background-strength"]
        for name in [*names, "background"] if self._made else [*names, "feather", "refine"]:
            self._config.connect(f"notify::{name}", lambda *_arguments: self._changed())
        if not self._made:
            for name in ("separate", "background"):
                self._config.connect(f"notify::{name}", lambda *_arguments: self.ask())
            self._config.connect("notify::order", lambda *_arguments: self._ordered())
            self._config.connect("notify::style", lambda *_arguments: self._styled())
            self._list_styles()

    def _setting_names(self) -> list[str]:
        """The arguments that have widgets, in the order in which they are shown."""
        if self._made:
            return ["strength", "background"]
        several = ["frames"] if frames.several(self._image) else []
        return ["strength", "feather", "refine", "separate", *several, "background"]

    def _disable(self, name: str, why: str) -> None:
        """Switch an argument off and say why."""
        self._config.set_property(name, False)
        box = self._dialog.get_widget(name, GObject.TYPE_NONE)
        box.set_sensitive(False)
        box.set_tooltip_text(why)

    # The picture and the edits to choose among

    def _begin(self, begin: Callable[[], None]) -> bool:
        """Show the picture, and what there is to choose."""
        tracing.note("shown")
        self._views[False] = self._new_view(self._thumbnail, (0, 0, self._image.get_width(), self._image.get_height()))
        self._show()
        begin()
        self._look("before", self._views[False].before)
        return False

    def take_made(self) -> None:
        """Show the edit that is to be adjusted."""
        if self._made:
            for name in self._made.by_hand:
                self._values.explain(name, _("changed by hand"))
            self._take([Planned(self._made.base, background=self._made.background)])

    def ask(self, first: Callable[[], list[Planned]] | None = None) -> None:
        """Ask for the edits of the region, or of each of its parts.  first: brings them if they were asked for."""
        self._status.say("")
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, False)  # the plan there is answers other settings
        self._propose({})
        request, thumbnail = self._request(), self._thumbnail
        self._question("edits", first or (lambda: predict_plan(thumbnail, request)), self._take_predicted)
        self._ask_for_proposals(None)

    def ask_for_styles(self) -> None:
        """Ask for alternatives in newly drawn styles."""
        self._status.say("")
        self._ask_for_proposals(randrange(_SEEDS))

    def _ask_for_proposals(self, seed: int | None) -> None:
        """seed: of the styles to draw; None: other orders rather than other styles."""
        request, thumbnail = self._request(), self._thumbnail

        def proposals() -> Proposals:
            parts = split_regions(thumbnail, request.separate)
            answers = []
            for pixels, _cells in parts:
                # The background's edits are those of the largest part, which comes first.
                asked = request if not answers else replace(request, background=False)
                answers.append(questions.ask_proposals(pixels, *self._grid, asked, seed)["proposals"])
            style = styles.numbers(request.style)
            return _by_order(answers, [cells for _pixels, cells in parts], style)

        self._question("proposals", proposals, self._propose)

    def _propose(self, proposals: Proposals) -> None:
        """Offer the proposals to choose among."""
        self._proposals, self._undrawn = proposals, list(proposals)
        self._alternatives.offer({order: proposal.own for order, proposal in proposals.items()})
        chosen = self._config.get_property("order")
        if self._own:
            alike = (order for order, each in proposals.items() if each.own and each.style == self._style)
            chosen = next(alike, "")
        self._alternatives.mark(chosen)
        if proposals and not self._drawing:
            self._drawing = GLib.idle_add(self._draw_proposal, priority=GLib.PRIORITY_LOW)

    def _draw_proposal(self) -> bool:
        """Show the next proposal; one at a time, so that a slider that is moved meanwhile has not to wait for all."""
        if self._undrawn:
            order = self._undrawn.pop(0)
            view = self._view(region=True)
            after = view.after(self._proposals[order].plan, self._request(), self._grid)
            picture = pictures.photo(after, view.width, view.height)
            self._alternatives.show(order, pictures.fitted(picture, *SMALL))
        if not self._undrawn:
            self._drawing = 0
        return bool(self._undrawn)

    def _picked(self, order: str) -> None:
        """An alternative was clicked: take it with the values that were predicted."""
        proposal = self._proposals[order]
        self._quietly("order", "best-realism" if proposal.own else order)  # what has a style of its own is this one
        self._take_proposal(proposal)

    def _quietly(self, name: str, value: Any) -> None:
        """Set an argument that needs no answer."""
        self._picking = True
        self._config.set_property(name, value)
        self._picking = False

    def _ordered(self) -> None:
        """The order came from a preset or a reset."""
        order = self._config.get_property("order")
        if not self._picking and order in self._proposals and not self._proposals[order].own:
            self._alternatives.mark(order)
            self._take_proposal(self._proposals[order])

    def _take_predicted(self, plan: list[Planned]) -> None:
        """Take the edits in the style that the settings say."""
        style: tuple[float, ...] = ()
        with suppress(UserError):  # gone meanwhile
            style = styles.numbers(self._config.get_property("style") or "")
        self._set_style(style)
        self._take(plan)

    def _take_proposal(self, proposal: Proposal) -> None:
        self._set_style(proposal.style, proposal.own)
        self._take(proposal.plan)

    def _take(self, plan: list[Planned]) -> None:
        self.plan = list(plan)
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, True)
        self._changed()

    # Styles

    def _set_style(self, style: tuple[float, ...], own: bool = False) -> None:
        """Note the plan's style; the plain one needs not be saved."""
        self._style, self._own = style, own
        self._styles.can_save(any(style))

    def _list_styles(self) -> None:
        try:
            self._styles.fill(self._config.get_property("style") or "")
        except UserError as error:
            self._fail(error)

    def _choose_style(self, name: str) -> None:
        self._config.set_property("style", name)

    def _styled(self) -> None:
        """The style came from the list, from a preset or a reset."""
        self._list_styles()
        if not self._picking:
            self.ask()

    def _save_style(self) -> None:
        """Save the plan's style under a name that the user gives, and let it be the chosen one."""
        name = style_name.save(self._dialog, self._style)
        if name:
            self._quietly("style", name)
            self._list_styles()  # also where it has the name of the chosen one

    def _dialled(self, name: str, field: str, value: float) -> None:
        """A value was set by hand: it counts for 100 %, so that strength still scales it."""
        strength = self._config.get_property("strength") / 100
        if len(self.plan) != 1 or not strength:
            return
        edits = {edit.name: edit for edit in self.plan[0].edits}
        shown = edits.get(name, NEUTRAL[name]).at_strength(strength)
        if field == "scale":
            value = max(1e-3, value)  # the logarithm of 0 has no strength
        (dialled,) = from_json([{**to_json([shown])[0], field: value}])
        edits[name] = dialled.at_strength(1 / strength)
        fixed = [
            edits.pop(each) for each in NAMES if KINDS[each].comes_first and each in edits
        ]  # their place never changes
        self.plan[0] = replace(self.plan[0], edits=[*fixed, *edits.values()])
        self._changed()

    # What is shown

    def _changed(self) -> None:
        """Something that the picture depends on has changed: show all changes of this moment at once."""
        if not self._redrawing:
            self._since = tracing.now()
            self._redrawing = GLib.idle_add(self._redraw, priority=GLib.PRIORITY_HIGH_IDLE)

    def _redraw(self) -> bool:
        self._redrawing = 0
        if self.plan:
            self._show_values()
            self._show(self._since)
            if self._timer:
                GLib.source_remove(self._timer)
            self._timer = GLib.timeout_add(_PATIENCE, self._measure)
        return False

    def _show(self, since: float | None = None) -> None:
        """Draw both pictures.  since: when the reason came up."""
        if not self._views:
            return
        view = self._view(region=self._pictures.zoomed())
        after = view.after(self.plan, self._request(), self._grid) if self.plan else b""
        for shown, name, picture in (
            (self._pictures.before, "before", view.before),
            (self._pictures.after, "after", after),
        ):
            if picture:
                pixbuf = pictures.photo(picture, view.width, view.height)
                if self._pictures.attention():
                    pixbuf = self._with_attention(pixbuf, view, self._looks.get(name))
                shown.set_from_pixbuf(pictures.fitted(pixbuf, *panes.PICTURE))
        if after:
            tracing.painted(self._pictures.after, since, after)

    def _with_attention(self, picture: Any, view: View, look: dict[str, Any] | None) -> Any:
        if look:
            most = max(each["peak"] for each in self._looks.values())
            values = view.cut(look["map"], *self._grid)
            picture = pictures.with_heat(picture, values, look["peak"] / most)
        return pictures.with_outline(picture, view.mask)

    def _show_values(self) -> None:
        """Let the sliders say what the strength makes of the values."""
        request, gray = self._request(), self._layer.is_gray()
        by_hand = self._made.by_hand if self._made else frozenset()
        single = len(self.plan) == 1

        def usable(name: str) -> bool:
            possible = not (gray and KINDS[name].has_colour)
            return single and possible and name in request.kinds and request.strength > 0 and name not in by_hand

        self._values.show(request.scale_edits(self.plan[0].edits, gray) if single else [], usable)

    def _zoom(self) -> None:
        if self._views:
            self._show()
            self._refine()

    def _view(self, region: bool) -> View:
        """The view of the whole picture, or of the region and its surroundings."""
        if region not in self._views:
            box = self._region_box()
            self._views[region] = self._new_view(
                read_box(self._image, self._layer, edits_above(self._image, self._layer), box, _LONGEST), box
            )
        return self._views[region]

    def _new_view(self, thumbnail: Thumbnail, box: tuple[int, int, int, int]) -> View:
        """The view of a box of the canvas, which the thumbnail shows."""
        whole = None
        if self._whole is not None:
            whole = read_channel(self._image, self._whole, box, (thumbnail.width, thumbnail.height))
        size = self._image.get_width(), self._image.get_height()
        return View(thumbnail, box, size, self._layer.is_gray(), whole)

    def _region_box(self) -> tuple[int, int, int, int]:
        """The selection's bounds with some surroundings, in the shape of the screen's pictures, on the canvas."""
        _ok, _some, left, top, right, bottom = Gimp.Selection.bounds(self._image)
        full = self._image.get_width(), self._image.get_height()
        shape = panes.PICTURE[0] / panes.PICTURE[1]
        side = max(right - left, (bottom - top) * shape, 48) * (1 + _AROUND)
        width, height = min(full[0], round(side)), min(full[1], round(side / shape))
        x = min(max(0, round((left + right - width) / 2)), full[0] - width)
        y = min(max(0, round((top + bottom - height) / 2)), full[1] - height)
        return x, y, width, height

    # What the networks say

    def _measure(self) -> bool:
        """Ask the networks what they think of what is shown, and for refined masks."""
        self._timer = 0
        self._look("after", self._views[False].after(self.plan, self._request(), self._grid))
        self._refine()
        return False

    def _look(self, name: str, picture: bytes) -> None:
        view = self._views[False]
        pixels, size = view.with_mask(picture, view.mask), (view.width, view.height)
        self._question(name, lambda: questions.ask_look(pixels, *size), lambda look: self._looked(name, look))

    def _looked(self, name: str, look: dict[str, Any]) -> None:
        self._looks[name] = look
        if len(self._looks) == 2:
            self._meters.show(self._looks["before"], self._looks["after"])
            tracing.note("measured", attention=look["saliency"], realism=look["realism"])
        if self._pictures.attention():
            self._show()

    def _refine(self) -> None:
        """Ask for the refined masks that the views lack."""
        request = self._request()
        for region, view in self._views.items():
            for number, cells in enumerate(view.missing(self.plan, request)):
                self._ask_refined(f"refined {region} {number}", view, cells, request)

    def _ask_refined(self, name: str, view: View, cells: bytes | None, request: EditRequest) -> None:
        pixels = view.with_mask(view.before, view.part_mask(cells, self._grid))
        size, radius = (view.width, view.height), view.radius(request)

        def refined(mask: bytes) -> None:
            view.refined(cells, request, mask)
            self._changed()

        self._question(name, lambda: questions.ask_refined(pixels, *size, radius), refined)

    def _question(self, name: str, question: Any, take: Any) -> None:
        """Ask in the other thread; `take` gets the answer, the status line the sentence of a failure."""

        def answered(answer: Any) -> None:
            self._spin(self._asker.busy())
            if isinstance(answer, Exception):
                self._fail(answer, name)
            else:
                if self._failed == name:
                    self._status.say("")
                take(answer)

        self._asker.ask(name, question, answered)
        self._spin(True)

    def _spin(self, busy: bool) -> None:
        self._pictures.spin(busy)
        tracing.note("spins", still=busy)

    def _fail(self, error: Exception, question: str = "") -> None:
        """Say what went wrong.  question: the name of the one whose next answer takes that back."""
        self._failed = question
        known = isinstance(error, (UserError, ServerError))
        sentence = str(error) if known else _("The plug-in has a fault ({error}): please report it.")
        self._status.say(sentence if known else sentence.format(error=repr(error)))

    def _request(self) -> EditRequest:
        if self._made:
            return adjust.request_from_config(self._made, self._config)
        return EditRequest.from_config(self._config, self._direction)


def _by_order(answers: list[list[dict[str, Any]]], cells: list[bytes | None], style: tuple[float, ...]) -> Proposals:
    """The proposals of each part as such of all parts; where a part has none of an order, its first one stands in.

    style: the one that was asked for; empty: the plain one.  All parts together have the style of the first.
    """
    proposals: Proposals = {}
    for order in (each.value for each in PROPOSED):
        first = next((each for each in answers[0] if each["order"] == order), None)
        if first is not None:
            plan = [
                parse_answer(next((each for each in answer if each["order"] == order), answer[0]), order, part)
                for answer, part in zip(answers, cells)
            ]
            own = [each - wanted for each, wanted in zip(first["style"], style or [0.0] * len(first["style"]))]
            proposals[order] = Proposal(plan, tuple(first["style"]), any(abs(difference) > 1e-6 for difference in own))
    return proposals
