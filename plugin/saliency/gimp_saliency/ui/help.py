# SPDX-License-Identifier: GPL-3.0-or-later
"""The help button: shows the fitting section of the manual that was installed with the plug-in."""

from __future__ import annotations

import re
from pathlib import Path

from gi.repository import Gtk, Pango

from ..shared.words import _

_RESPONSE = 100  # GTK's own are negative, those of GIMP's dialogs small
# Beside the plug-in's program in a copy of the plug-in, among the documents in the source tree.
_PLUGIN = Path(__file__).resolve().parents[2]
_MANUALS = (_PLUGIN / "manual.md", _PLUGIN.parents[1] / "docs" / "manual.md")


def add_help_button(dialog: Gtk.Dialog, section: str) -> None:
    """Give a GIMP dialog a help button that shows a section of the manual, in place of the one for GIMP's manual."""
    gimps = dialog.get_widget_for_response(Gtk.ResponseType.HELP)
    if gimps:
        gimps.set_no_show_all(True)
        gimps.hide()
    button = dialog.add_button(_("_Help"), _RESPONSE)
    box = button.get_parent()
    if isinstance(box, Gtk.ButtonBox):
        box.set_child_secondary(button, True)
    dialog.connect("response", _respond, section)


def _respond(dialog: Gtk.Dialog, response: int, section: str) -> None:
    if response == _RESPONSE:
        dialog.stop_emission_by_name("response")  # to anybody else it would mean the dialog's end
        show_help(dialog, section)


def show_help(parent: Gtk.Window, section: str) -> None:
    """Open a window with the section's text."""
    try:
        text = find_section(_read_manual(), section)
    except OSError:
        text = _("The help is missing: run install.sh again.")
    window = Gtk.Dialog(title=_("Help: Saliency"), transient_for=parent, modal=True)
    window.add_button(_("_Close"), Gtk.ResponseType.CLOSE)
    window.connect("response", lambda *_arguments: window.destroy())
    view = Gtk.TextView(
        editable=False, cursor_visible=False, wrap_mode=Gtk.WrapMode.WORD, left_margin=12, right_margin=12, top_margin=8
    )
    _write_markdown(view.get_buffer(), text)
    scrolled = Gtk.ScrolledWindow(min_content_width=620, min_content_height=420)
    scrolled.add(view)
    window.get_content_area().pack_start(scrolled, True, True, 0)
    window.show_all()


def _read_manual() -> str:
    """The text of the manual that is there.  Raises OSError."""
    return next((path for path in _MANUALS if path.is_file()), _MANUALS[0]).read_text(encoding="utf-8")


def find_section(manual: str, section: str) -> str:
    """The section of a Markdown text from its heading of level two to the next one; the whole text if it has none."""
    found = re.search(rf"^## {re.escape(section)}$.*?(?=^## |\Z)", manual, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    return found.group().strip() if found else manual


def _write_markdown(buffer: Gtk.TextBuffer, markdown: str) -> None:
    """Write Markdown with its headings, bold words and code set off."""
    heading = buffer.create_tag(weight=Pango.Weight.BOLD, scale=1.2)
    styles = {"**": buffer.create_tag(weight=Pango.Weight.BOLD), "`": buffer.create_tag(family="monospace")}
    styles["*"] = buffer.create_tag(style=Pango.Style.ITALIC)
    for paragraph in re.split(r"\n{2,}", markdown):
        if paragraph.startswith("!["):
            continue  # a picture, which is not installed
        if paragraph.startswith("#"):
            buffer.insert_with_tags(buffer.get_end_iter(), paragraph.lstrip("# ") + "\n\n", heading)
            continue
        if not paragraph.startswith(("    ", "|")):
            paragraph = re.sub(r"\n(?![-\d])\s*", " ", paragraph)  # but for the items of a list
        for piece in re.split(r"(\*\*.+?\*\*|`.+?`|(?<!\w)\*[^*]+?\*(?!\w))", paragraph):
            mark = next((mark for mark in styles if piece.startswith(mark) and len(piece) > 2 * len(mark)), "")
            tags = [styles[mark]] if mark else []
            buffer.insert_with_tags(buffer.get_end_iter(), piece[len(mark) : len(piece) - len(mark)], *tags)
        buffer.insert(buffer.get_end_iter(), "\n\n")
