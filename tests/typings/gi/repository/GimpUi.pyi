# SPDX-License-Identifier: GPL-3.0-or-later
# Written by tests/typings/generate.py.
# mypy: disable-error-code="misc, override"
from collections.abc import Sequence
from typing import Any

from gi.repository import Gdk, Gimp, GObject, Gtk

class Dialog(Gtk.Dialog):
    def __init__(
        self,
        *,
        border_width: int = ...,
        can_focus: bool = ...,
        halign: Gtk.Align = ...,
        hexpand: bool = ...,
        icon_name: str = ...,
        margin: int = ...,
        modal: bool = ...,
        name: str = ...,
        no_show_all: bool = ...,
        role: str = ...,
        style: Gtk.Style = ...,
        title: str = ...,
        transient_for: Gtk.Window = ...,
        use_header_bar: int = ...,
        valign: Gtk.Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
    ) -> None: ...
    def add_button(self, button_text: str, response_id: int) -> Gtk.Button: ...
    def run(self) -> int: ...

class LabelSpin(Labeled):
    @classmethod
    def new(cls, text: str, value: float, lower: float, upper: float, digits: int) -> LabelSpin: ...
    def get_value(self) -> float: ...
    def set_value(self, value: float) -> None: ...

class Labeled(Gtk.Grid):
    def get_label(self) -> Gtk.Label: ...
    def get_text(self) -> str: ...
    def set_text(self, text: str) -> None: ...

class ProcedureDialog(Dialog):
    @classmethod
    def new(
        cls, procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, title: str | None = None
    ) -> ProcedureDialog: ...
    def fill(self, properties: Sequence[str] | None = None) -> None: ...
    def get_label(self, label_id: str, text: str, is_markup: bool, with_mnemonic: bool) -> Gtk.Widget: ...
    def get_scale_entry(self, property: str, factor: float) -> ScaleEntry: ...
    def get_widget(self, property: str, widget_type: GObject.GType | type[Any]) -> Gtk.Widget: ...
    def run(self) -> bool: ...
    def set_sensitive(
        self,
        property: str,
        sensitive: bool,
        config: GObject.Object | None,
        config_property: str | None,
        config_invert: bool,
    ) -> None: ...

class ScaleEntry(LabelSpin):
    @classmethod
    def new(cls, text: str, value: float, lower: float, upper: float, digits: int) -> ScaleEntry: ...

def init(prog_name: str) -> None: ...
def window_set_transient(window: Gtk.Window) -> None: ...
