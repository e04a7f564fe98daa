# SPDX-License-Identifier: GPL-3.0-or-later
"""What is chosen among proposals, in a style: the state that the dialogs of edits and of harmonies have in common.

No GIMP and no GTK in here.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from ..shared import styles
from ..shared.errors import UserError
from ..shared.harmony import HarmonyRequest
from ..shared.request import EditRequest
from .asking import Ask, Asking, Signal

_SEEDS = 1 << 31  # of sampled styles


class Styled(Protocol):
    """What can be proposed."""

    @property
    def style(self) -> styles.Style:
        """In which it was predicted."""

    @property
    def is_own_style(self) -> bool:
        """Whether that is another style than the one that was asked for."""


Request = TypeVar("Request", EditRequest, HarmonyRequest)
Offer = TypeVar("Offer", bound=Styled)


class Choosing(Asking, ABC, Generic[Request, Offer]):
    """Proposals by name, the one of them that is chosen, and saved styles."""

    request: Request
    saved: styles.StyleFile  # where styles are kept
    has_more_styles = True  # whether others can be sampled

    def __init__(self, ask: Ask) -> None:
        """See `Asking`."""
        super().__init__(ask)
        self.proposals: Mapping[str, Offer] = {}
        self.chosen = ""  # the name of the proposal that is taken, "" if it is none of them
        self.style: styles.Style = ()  # of what is taken
        self.proposals_changed = Signal()
        self.chosen_changed = Signal()  # its new value
        self.style_changed = Signal()
        self.styles_changed = Signal()  # the names to list, and the chosen one
        self.setting_changed = Signal()  # by the session itself: name and value that its control is to have
        self._is_own_style = False  # whether what is taken has another style than the settings say

    @abstractmethod
    def try_again(self) -> None:
        """Ask anew for what the settings say, and for proposals."""

    @abstractmethod
    def _ask_for_proposals(self, seed: int | None) -> None:
        """seed: of the styles to sample; None: what is proposed at first."""

    @abstractmethod
    def _take_offer(self, offer: Offer) -> None:
        """Let this be what OK applies."""

    @abstractmethod
    def _find_asked(self) -> str:
        """The name of the proposal that is what the settings ask for."""

    # Proposals

    def ask_for_styles(self) -> None:
        """Ask for proposals in newly sampled styles."""
        self._say("")
        self._ask_for_proposals(int.from_bytes(os.urandom(4), "big") % _SEEDS)

    def take_proposals(self, proposals: Mapping[str, Offer]) -> None:
        """Offer these to choose among."""
        self.proposals = proposals
        self.proposals_changed.emit()
        chosen = self._find_asked()
        if self._is_own_style:
            alike = (name for name, each in proposals.items() if each.is_own_style and each.style == self.style)
            chosen = next(alike, "")
        self._mark(chosen)

    def choose(self, name: str) -> None:
        """Take a proposal as it was predicted."""
        self.chosen = name
        self._take_proposal(self.proposals[name])

    def _take_proposal(self, proposal: Offer) -> None:
        self._set_style(proposal.style, proposal.is_own_style)
        self._take_offer(proposal)

    def _mark(self, name: str) -> None:
        self.chosen = name
        self.chosen_changed.emit(name)

    # Styles

    def can_save_style(self) -> bool:
        """Whether the style of what is taken is another than the plain one, which needs not be saved."""
        return any(self.style)

    def list_styles(self) -> None:
        """Tell the names of the saved styles; the chosen one is told even if it is no more: asking for it fails."""
        names: list[str] = []
        try:
            names = sorted(self.saved.load_saved())
        except UserError as error:
            self._fail(error)
        chosen = self.request.style
        self.styles_changed.emit(names if chosen in ("", *names) else [*names, chosen], chosen)

    def choose_style(self, name: str) -> None:
        """Predict in a saved style, "" is the plain one."""
        self._set_style_setting(name)
        self._follow_style()

    def save_style(self, name: str) -> None:
        """Save the style of what is taken under a name, and let it be the chosen one.  Raises UserError."""
        self.saved.save(name, self.style)
        self._set_style_setting(name)
        self.list_styles()  # also where it has the name of the chosen one

    def _follow_style(self) -> None:
        self.list_styles()
        self.try_again()

    def _set_style_setting(self, name: str) -> None:
        self.request = replace(self.request, style=name)
        self.setting_changed.emit("style", name)

    def _find_style(self) -> styles.Style:
        """The numbers of the style that the settings say; none where it is gone meanwhile."""
        with suppress(UserError):
            return self.saved.find_numbers(self.request.style)
        return ()

    def _set_style(self, style: styles.Style, is_own: bool = False) -> None:
        """Note the style of what is taken."""
        self.style, self._is_own_style = style, is_own
        self.style_changed.emit()
