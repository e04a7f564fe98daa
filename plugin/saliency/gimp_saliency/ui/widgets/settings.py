# SPDX-License-Identifier: GPL-3.0-or-later
"""GIMP's own widgets for the arguments of a procedure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gi.repository import GimpUi, GObject, Gtk

_SCALES = ("strength", "colour", "shading", "look-strength")  # arguments that are set by a slider
_LISTS = ("boldness", "base-look")  # and by a list, where GIMP itself would place each choice in a row of its own


def make_settings(
    dialog: GimpUi.ProcedureDialog, rows: Iterable[Sequence[str]], notes: Mapping[str, Gtk.Widget]
) -> Gtk.Box:
    """The widgets for some arguments of the dialog's procedure, row by row; notes: what stands beside some."""
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
    for names in rows:
        line = Gtk.Box(spacing=12)
        for name in names:
            line.pack_start(_lay_out(dialog, name), len(names) == 1 and name not in notes, True, 0)
            if name in notes:
                line.pack_start(notes[name], True, True, 0)
        box.pack_start(line, False, False, 0)
    return box


def get_switch(dialog: GimpUi.ProcedureDialog, name: str) -> Gtk.Widget:
    """The check box of an argument that is on or off."""
    return dialog.get_widget(name, GObject.TYPE_NONE)


def get_setting(dialog: GimpUi.ProcedureDialog, name: str) -> Gtk.Widget:
    """The widget of any argument."""
    if name in _SCALES:
        return dialog.get_scale_entry(name, 1.0)
    return dialog.get_widget(name, Gtk.ComboBox if name in _LISTS else GObject.TYPE_NONE)


def make_list(dialog: GimpUi.ProcedureDialog, name: str, caption: str) -> Gtk.Box:
    """An argument's list with a caption of its own beside it: the labels of all settings are of one width."""
    widget = get_setting(dialog, name)
    assert isinstance(widget, GimpUi.Labeled)
    _hide_label(widget.get_label())
    line = Gtk.Box(spacing=8)
    line.pack_start(Gtk.Label(label=caption), False, False, 0)
    line.pack_start(widget, False, False, 0)
    return line


def _hide_label(label: Gtk.Widget) -> None:
    """Hide the label of a setting, which a screen reader still says."""
    label.set_no_show_all(True)
    label.hide()


def _lay_out(dialog: GimpUi.ProcedureDialog, name: str) -> Gtk.Widget:
    widget = get_setting(dialog, name)
    return _add_strength(dialog, widget) if name == "background" else widget


def _add_strength(dialog: GimpUi.ProcedureDialog, switch: Gtk.Widget) -> Gtk.Box:
    """The background's check box with its strength beside it, which is of use only while that is on."""
    strength = dialog.get_scale_entry("background-strength", 1.0)
    _hide_label(strength.get_label())
    switch.bind_property("active", strength, "sensitive", GObject.BindingFlags.SYNC_CREATE)
    line = Gtk.Box(spacing=8)
    line.pack_start(switch, False, False, 0)
    line.pack_start(strength, True, True, 0)
    return line
