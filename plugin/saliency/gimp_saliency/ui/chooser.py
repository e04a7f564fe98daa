# SPDX-License-Identifier: GPL-3.0-or-later
"""The row of alternatives and the list of styles, as the windows have them in which something is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic

from gi.repository import GLib, Gtk

from ..shared import tracing
from .choosing import Choosing, Offer, Request
from .widgets.alternatives import SMALL, Alternatives
from .widgets.pixbufs import fit_pixbuf, make_pixbuf
from .widgets.style_list import StyleList
from .widgets.style_name import ask_style_name

Picture = tuple[bytes, int, int]  # R'G'B' bytes, width and height


class Chooser(Generic[Request, Offer]):
    """Shows what a session proposes, and tells it what is chosen.

    alternatives, styles: the widgets, to be laid out by the window.
    """

    def __init__(
        self,
        window: Gtk.Window,
        session: Choosing[Request, Offer],
        captions: Mapping[str, tuple[str, str]],
        draw: Callable[[Offer], Picture],
    ) -> None:
        """captions: see `Alternatives`.  draw: what a proposal looks like, small."""
        self._session: Choosing[Request, Offer] = session
        self._window, self._draw = window, draw
        on_more = session.ask_for_styles if session.has_more_styles else None
        self._alternatives = Alternatives(captions, session.choose, on_more)
        self._styles = StyleList(session.choose_style, self._save_style)
        self.alternatives, self.styles = self._alternatives.widget, self._styles.widget
        self._undrawn: list[str] = []  # the names of the proposals that are still to be shown
        self._drawing = 0  # GLib's id of what is scheduled
        session.proposals_changed.connect(self._offer_proposals)
        session.chosen_changed.connect(self._alternatives.mark)
        session.style_changed.connect(self._allow_saving)
        session.styles_changed.connect(self._styles.fill)

    def close(self) -> None:
        """Draw nothing more."""
        if self._drawing:
            GLib.source_remove(self._drawing)

    def _offer_proposals(self) -> None:
        proposals = self._session.proposals
        self._undrawn = list(proposals)
        tracing.note("offered", orders=self._undrawn)
        self._alternatives.offer({name: proposal.is_own_style for name, proposal in proposals.items()})
        if proposals and not self._drawing:
            self._drawing = GLib.idle_add(self._draw_proposal, priority=GLib.PRIORITY_LOW)

    def _draw_proposal(self) -> bool:
        """Show the next proposal; one at a time, so that a slider that is moved meanwhile has not to wait for all."""
        if self._undrawn:
            name = self._undrawn.pop(0)
            picture = make_pixbuf(*self._draw(self._session.proposals[name]))
            self._alternatives.show(name, fit_pixbuf(picture, *SMALL))
        if not self._undrawn:
            self._drawing = 0
        return bool(self._undrawn)

    def _allow_saving(self) -> None:
        self._styles.allow_saving(self._session.can_save_style())

    def _save_style(self) -> None:
        ask_style_name(self._window, self._session.saved, self._session.save_style)
