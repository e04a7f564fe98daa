# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the plug-in, as the end of a test's copy of tracing.py: notes the focus and texts that are cut off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gi.repository import GLib, Gtk

_plain_note = globals()["note"]  # what tracing.py has defined above


def note(event: str, **facts: Any) -> None:
    """In the place of tracing.note: the same, and more of the dialog, if there is one, at two of its events."""
    dialog = next((window for window in Gtk.Window.list_toplevels() if isinstance(window, Gtk.Dialog)), None)
    if dialog is None:  # before it and after it
        _plain_note(event, **facts)
        return
    _plain_note(event, **facts, title=dialog.get_title())
    if event == "shown":
        dialog.connect("set-focus", lambda _dialog, widget: widget and _plain_note("focus", on=_describe(widget)))
        GLib.timeout_add(100, _note_help)
    elif event == "measured":
        GLib.timeout_add(300, _note_cut_texts, dialog)  # the window gets its new size first


def _note_cut_texts(dialog: Gtk.Dialog) -> bool:
    cut = [_describe(widget) for widget in _walk(dialog) if widget.get_mapped() and _is_cut(widget)]
    _plain_note("cut", texts=cut)
    return False


def _note_help() -> bool:
    """Note the text that a second window shows, once."""
    for window in Gtk.Window.list_toplevels():
        for widget in _walk(window):
            if isinstance(widget, Gtk.TextView):
                _plain_note("help", text=widget.get_buffer().get_property("text"))
                return False
    return True


def _walk(widget: Gtk.Widget) -> Iterator[Gtk.Widget]:
    yield widget
    if isinstance(widget, Gtk.Container):
        parts: list[Gtk.Widget] = []
        widget.forall(parts.append)
        for part in parts:
            yield from _walk(part)


def _is_cut(widget: Gtk.Widget) -> bool:
    """Whether a text is larger than its place."""
    if not isinstance(widget, (Gtk.Label, Gtk.Entry)):
        return False
    width, height = widget.get_allocated_width(), widget.get_allocated_height()
    _ink, text = widget.get_layout().get_pixel_extents()
    ellipsized = isinstance(widget, Gtk.Label) and widget.get_layout().is_ellipsized()
    return bool(ellipsized or text.width > width or text.height > height)


def _describe(widget: Gtk.Widget) -> str:
    """Kind and name, as a screen reader says them."""
    widget = widget.get_ancestor(Gtk.ComboBox) or widget  # of which a button has the focus
    names = [widget.get_accessible().get_name(), *(label.get_text() for label in widget.list_mnemonic_labels())]
    if isinstance(widget, Gtk.ComboBox):
        names.reverse()  # its own name is what is chosen in it
    if isinstance(widget, Gtk.Label):
        names.append(widget.get_text())
    return " ".join([type(widget).__name__, next(filter(None, names), "")]).strip()
