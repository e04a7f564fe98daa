# SPDX-License-Identifier: GPL-3.0-or-later
"""What PyGObject writes in C or Python itself, so that no typelib describes it.  Runs in GIMP's own Python.

Names of a stub's own module have its name before them too; where the stub is written, it is cut.
"""

from __future__ import annotations

# Whole classes.  As "module.class".
CLASSES = {
    # Numbers for every PyGObject, members of `enum` only for newer ones.  No enum here: the stubs lack the values that
    # the plug-in does not use, so mypy must not conclude anything from a value's being none of the others.
    "GObject.GEnum": """
class GEnum(int):
    @property
    def value_name(self) -> str: ...
    @property
    def value_nick(self) -> str: ...
""",
    "GObject.GFlags": """
class GFlags(int):
    def __or__(self, other: int) -> Self: ...
    def __ror__(self, other: int) -> Self: ...
    def __and__(self, other: int) -> Self: ...
    def __rand__(self, other: int) -> Self: ...
    def __xor__(self, other: int) -> Self: ...
    def __rxor__(self, other: int) -> Self: ...
    def __invert__(self) -> Self: ...
""",
    "GObject.GInterface": """
class GInterface: ...
""",
    "GObject.GType": """
class GType:
    @property
    def name(self) -> str: ...
    def is_a(self, type: GObject.GType | type[Any]) -> bool: ...
""",
    "GLib.Error": """
class Error(RuntimeError):
    domain: str
    code: int
    message: str
    def __init__(self, message: str = ..., domain: str = ..., code: int = ...) -> None: ...
    def copy(self) -> GLib.Error: ...
    def matches(self, domain: int | str, code: int) -> bool: ...
    @staticmethod
    def new_literal(domain: int, message: str, code: int) -> GLib.Error: ...
""",
}

# Members of classes, each kept where the plug-in uses its name or Python does by itself.
MEMBERS = {
    "GObject.Object": [
        "__gtype__: ClassVar[GObject.GType]",
        "def __init__(self, **properties: Any) -> None: ...",
        "@property\ndef props(self) -> Any: ...",
        "def bind_property(self, source_property: str, target: GObject.Object, target_property: str,"
        " flags: GObject.BindingFlags = ..., transform_to: Callable[..., Any] | None = None,"
        " transform_from: Callable[..., Any] | None = None, user_data: Any = None) -> GObject.Binding: ...",
        "def connect(self, detailed_signal: str, handler: Callable[..., Any], *user_data: Any) -> int: ...",
        "def connect_after(self, detailed_signal: str, handler: Callable[..., Any], *user_data: Any) -> int: ...",
        "def disconnect(self, id: int) -> None: ...",
        "def emit(self, signal_name: str, *arguments: Any) -> Any: ...",
        "def freeze_notify(self) -> AbstractContextManager[None]: ...",
        "def get_properties(self, *names: str) -> tuple[Any, ...]: ...",
        "def get_property(self, property_name: str) -> Any: ...",
        "def handler_block(self, handler_id: int) -> AbstractContextManager[None]: ...",
        "def handler_disconnect(self, id: int) -> None: ...",
        "def handler_is_connected(self, id: int) -> bool: ...",
        "def handler_unblock(self, handler_id: int) -> None: ...",
        "def list_properties(self) -> list[GObject.ParamSpec]: ...",
        "def notify(self, property_name: str) -> None: ...",
        "def set_properties(self, **properties: Any) -> None: ...",
        "def set_property(self, property_name: str, value: Any) -> None: ...",
        "def stop_emission(self, detailed_signal: str) -> None: ...",
        "def stop_emission_by_name(self, detailed_signal: str) -> None: ...",
    ],
    "GObject.ParamSpec": [
        "@property\ndef name(self) -> str: ...",
        "@property\ndef nick(self) -> str: ...",
        "@property\ndef blurb(self) -> str: ...",
        "@property\ndef default_value(self) -> Any: ...",
        "@property\ndef value_type(self) -> GObject.GType: ...",
    ],
    "Gtk.Dialog": [
        "def run(self) -> int: ...",
    ],
    "Gtk.TextBuffer": [
        "def create_tag(self, tag_name: str | None = None, **properties: Any) -> Gtk.TextTag: ...",
        "def insert(self, iter: Gtk.TextIter, text: str, length: int = -1) -> None: ...",
        "def insert_with_tags(self, iter: Gtk.TextIter, text: str, *tags: Gtk.TextTag) -> None: ...",
        "def set_text(self, text: str, length: int = -1) -> None: ...",
    ],
    # A layer's relatives are layers.
    "Gimp.Layer": [
        "def get_children(self) -> list[Gimp.Layer]: ...",
        "def get_parent(self) -> Gimp.GroupLayer | None: ...",
    ],
    # GIMP's documentation: False says that the plug-in translates by itself.
    "Gimp.PlugIn": [
        "def do_set_i18n(self, procedure_name: str) -> bool | tuple[bool, str | None, str | None]: ...",
    ],
}

# Functions and constants of modules.
FUNCTIONS = {
    "GLib.idle_add": "def idle_add(function: Callable[[Unpack[_Ts]], bool | None], *user_data: Unpack[_Ts],"
    " priority: int = ...) -> int: ...",
    "GLib.timeout_add": "def timeout_add(interval: int, function: Callable[[Unpack[_Ts]], bool | None],"
    " *user_data: Unpack[_Ts], priority: int = ...) -> int: ...",
    "GLib.timeout_add_seconds": "def timeout_add_seconds(interval: int,"
    " function: Callable[[Unpack[_Ts]], bool | None], *user_data: Unpack[_Ts], priority: int = ...) -> int: ...",
    "GLib.markup_escape_text": "def markup_escape_text(text: str, length: int = -1) -> str: ...",
}

# What functions return where the typelibs are wrong, less exact, or more careful than a plug-in has to be.
RESULTS = {
    "GdkPixbuf.Pixbuf.copy": "GdkPixbuf.Pixbuf",  # None only without memory, as below
    "GdkPixbuf.Pixbuf.scale_simple": "GdkPixbuf.Pixbuf",
    "Gimp.Image.get_floating_sel": "Gimp.Layer | None",
    "Gimp.Image.get_layer_by_name": "Gimp.Layer | None",
    "Gimp.Image.get_layer_by_tattoo": "Gimp.Layer | None",
    "Gimp.Image.get_parasite": "Gimp.Parasite | None",
    "Gimp.Item.get_parasite": "Gimp.Parasite | None",
    "Gimp.Item.get_parent": "Gimp.Item | None",
    "Gimp.Layer.get_mask": "Gimp.LayerMask | None",
    "Gimp.get_parasite": "Gimp.Parasite | None",
    "Gimp.get_pdb": "Gimp.PDB",  # None only before the plug-in runs
    "GimpUi.Dialog.add_button": "Gtk.Button",
    "GimpUi.ProcedureDialog.get_scale_entry": "GimpUi.ScaleEntry",
    "Gtk.Dialog.add_button": "Gtk.Button",
    "Gtk.Settings.get_default": "Gtk.Settings",  # None only without a screen
}
