# SPDX-License-Identifier: GPL-3.0-or-later
# Written by tests/typings/generate.py.
# mypy: disable-error-code="misc, override"
from collections.abc import Sequence
from typing import Any, Final

from gi.repository import Atk, Gdk, GdkPixbuf, Gio, GObject, Pango

class Adjustment(GObject.InitiallyUnowned):
    def __init__(
        self,
        *,
        lower: float = ...,
        page_increment: float = ...,
        step_increment: float = ...,
        upper: float = ...,
        value: float = ...,
    ) -> None: ...
    @classmethod
    def new(
        cls, value: float, lower: float, upper: float, step_increment: float, page_increment: float, page_size: float
    ) -> Adjustment: ...
    def changed(self) -> None: ...
    def get_value(self) -> float: ...
    def set_value(self, value: float) -> None: ...

class Align(GObject.GEnum):
    START: Final[Align]
    END: Final[Align]

class Bin(Container): ...

class Box(Container):
    def __init__(
        self,
        *,
        border_width: int = ...,
        can_focus: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        margin: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        orientation: Orientation = ...,
        spacing: int = ...,
        style: Style = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
    ) -> None: ...
    @classmethod
    def new(cls, orientation: Orientation, spacing: int) -> Box: ...
    def pack_end(self, child: Widget, expand: bool, fill: bool, padding: int) -> None: ...
    def pack_start(self, child: Widget, expand: bool, fill: bool, padding: int) -> None: ...

class Buildable(GObject.GInterface):
    def get_name(self) -> str: ...
    def set_name(self, name: str) -> None: ...

class Button(Bin):
    def __init__(
        self,
        *,
        border_width: int = ...,
        can_focus: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        label: str = ...,
        margin: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        style: Style = ...,
        use_underline: bool = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
        xalign: float = ...,
    ) -> None: ...
    @classmethod
    def new(cls) -> Button: ...
    @classmethod
    def new_with_mnemonic(cls, label: str) -> Button: ...
    def get_image(self) -> Widget | None: ...
    def get_label(self) -> str: ...
    def leave(self) -> None: ...
    def set_label(self, label: str) -> None: ...

class ButtonBox(Box):
    @classmethod
    def new(cls, orientation: Orientation) -> ButtonBox: ...
    def set_child_secondary(self, child: Widget, is_secondary: bool) -> None: ...

class CellLayout(GObject.GInterface):
    def clear(self) -> None: ...
    def pack_end(self, cell: CellRenderer, expand: bool) -> None: ...
    def pack_start(self, cell: CellRenderer, expand: bool) -> None: ...

class CellRenderer(GObject.InitiallyUnowned):
    def get_preferred_size(self, widget: Widget) -> _CellRendererGetPreferredSize: ...
    def get_size(self, widget: Widget, cell_area: Gdk.Rectangle | None = None) -> _CellRendererGetSize: ...
    def get_visible(self) -> bool: ...
    def render(
        self,
        cr: Any,
        widget: Widget,
        background_area: Gdk.Rectangle,
        cell_area: Gdk.Rectangle,
        flags: CellRendererState,
    ) -> None: ...
    def set_sensitive(self, sensitive: bool) -> None: ...
    def set_visible(self, visible: bool) -> None: ...

class CellRendererState(GObject.GFlags): ...

class CheckButton(ToggleButton):
    @classmethod
    def new(cls) -> CheckButton: ...
    @classmethod
    def new_with_mnemonic(cls, label: str) -> CheckButton: ...

class ComboBox(Bin, CellLayout):
    @classmethod
    def new(cls) -> ComboBox: ...
    def get_active(self) -> int: ...
    def get_active_id(self) -> str | None: ...
    def set_active(self, index_: int) -> None: ...
    def set_active_id(self, active_id: str | None = None) -> bool: ...

class ComboBoxText(ComboBox):
    def __init__(
        self,
        *,
        border_width: int = ...,
        can_focus: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        margin: int = ...,
        model: TreeModel = ...,
        name: str = ...,
        no_show_all: bool = ...,
        style: Style = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
    ) -> None: ...
    @classmethod
    def new(cls) -> ComboBoxText: ...
    def append(self, id: str | None, text: str) -> None: ...
    def insert(self, position: int, id: str | None, text: str) -> None: ...
    def remove(self, position: int) -> None: ...
    def remove_all(self) -> None: ...

class Container(Widget):
    def add(self, widget: Widget) -> None: ...
    def get_children(self) -> list[Widget]: ...
    def remove(self, widget: Widget) -> None: ...

class Dialog(Window):
    def run(self) -> int: ...
    def __init__(
        self,
        *,
        border_width: int = ...,
        can_focus: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        icon_name: str = ...,
        margin: int = ...,
        modal: bool = ...,
        name: str = ...,
        no_show_all: bool = ...,
        role: str = ...,
        style: Style = ...,
        title: str = ...,
        transient_for: Window = ...,
        use_header_bar: int = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
    ) -> None: ...
    @classmethod
    def new(cls) -> Dialog: ...
    def add_button(self, button_text: str, response_id: int) -> Button: ...
    def get_content_area(self) -> Box: ...
    def get_widget_for_response(self, response_id: int) -> Widget | None: ...
    def set_default_response(self, response_id: int) -> None: ...
    def set_response_sensitive(self, response_id: int, setting: bool) -> None: ...

class Editable(GObject.GInterface):
    def select_region(self, start_pos: int, end_pos: int) -> None: ...

class Entry(Widget, Editable):
    def __init__(
        self,
        *,
        activates_default: bool = ...,
        can_focus: bool = ...,
        editable: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        margin: int = ...,
        max_width_chars: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        style: Style = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        width_chars: int = ...,
        window: Gdk.Window = ...,
        xalign: float = ...,
    ) -> None: ...
    @classmethod
    def new(cls) -> Entry: ...
    def get_buffer(self) -> EntryBuffer: ...
    def get_text(self) -> str: ...
    def set_max_width_chars(self, n_chars: int) -> None: ...
    def set_text(self, text: str) -> None: ...

class EntryBuffer(GObject.Object):
    @classmethod
    def new(cls, initial_chars: str | None, n_initial_chars: int) -> EntryBuffer: ...
    def get_text(self) -> str: ...
    def set_text(self, chars: str, n_chars: int) -> None: ...

class Grid(Container):
    def __init__(
        self,
        *,
        border_width: int = ...,
        can_focus: bool = ...,
        column_homogeneous: bool = ...,
        column_spacing: int = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        margin: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        orientation: Orientation = ...,
        row_spacing: int = ...,
        style: Style = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
    ) -> None: ...
    @classmethod
    def new(cls) -> Grid: ...
    def attach(self, child: Widget, left: int, top: int, width: int, height: int) -> None: ...

class IconSize(GObject.GEnum):
    BUTTON: Final[IconSize]

class Image(Misc):
    def __init__(
        self,
        *,
        can_focus: bool = ...,
        file: str = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        icon_name: str = ...,
        margin: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        style: Style = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
        xalign: float = ...,
    ) -> None: ...
    @classmethod
    def new(cls) -> Image: ...
    def clear(self) -> None: ...
    def set_from_gicon(self, icon: Gio.Icon, size: int) -> None: ...
    def set_from_pixbuf(self, pixbuf: GdkPixbuf.Pixbuf | None = None) -> None: ...
    def set_pixel_size(self, pixel_size: int) -> None: ...

class Justification(GObject.GEnum):
    RIGHT: Final[Justification]

class Label(Misc):
    def __init__(
        self,
        *,
        can_focus: bool = ...,
        ellipsize: Pango.EllipsizeMode = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        label: str = ...,
        lines: int = ...,
        margin: int = ...,
        max_width_chars: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        selectable: bool = ...,
        style: Style = ...,
        use_underline: bool = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        width_chars: int = ...,
        window: Gdk.Window = ...,
        wrap: bool = ...,
        wrap_mode: Pango.WrapMode = ...,
        xalign: float = ...,
    ) -> None: ...
    @classmethod
    def new(cls, str: str | None = None) -> Label: ...
    @classmethod
    def new_with_mnemonic(cls, str: str | None = None) -> Label: ...
    def get_label(self) -> str: ...
    def get_text(self) -> str: ...
    def select_region(self, start_offset: int, end_offset: int) -> None: ...
    def set_justify(self, jtype: Justification) -> None: ...
    def set_label(self, str: str) -> None: ...
    def set_line_wrap(self, wrap: bool) -> None: ...
    def set_line_wrap_mode(self, wrap_mode: Pango.WrapMode) -> None: ...
    def set_markup(self, str: str) -> None: ...
    def set_max_width_chars(self, n_chars: int) -> None: ...
    def set_mnemonic_widget(self, widget: Widget | None = None) -> None: ...
    def set_text(self, str: str) -> None: ...
    def set_text_with_mnemonic(self, str: str) -> None: ...

class Layout(Container):
    def __init__(
        self,
        *,
        border_width: int = ...,
        can_focus: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        margin: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        style: Style = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
    ) -> None: ...
    @classmethod
    def new(cls, hadjustment: Adjustment | None = None, vadjustment: Adjustment | None = None) -> Layout: ...
    def get_size(self) -> _LayoutGetSize: ...
    def move(self, child_widget: Widget, x: int, y: int) -> None: ...
    def put(self, child_widget: Widget, x: int, y: int) -> None: ...

class Misc(Widget): ...

class Orientation(GObject.GEnum):
    VERTICAL: Final[Orientation]

class Overlay(Bin):
    def __init__(
        self,
        *,
        border_width: int = ...,
        can_focus: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        margin: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        style: Style = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
    ) -> None: ...
    @classmethod
    def new(cls) -> Overlay: ...
    def add_overlay(self, widget: Widget) -> None: ...
    def set_overlay_pass_through(self, widget: Widget, pass_through: bool) -> None: ...

class PolicyType(GObject.GEnum):
    AUTOMATIC: Final[PolicyType]
    NEVER: Final[PolicyType]

class RadioButton(CheckButton):
    def __init__(
        self,
        *,
        border_width: int = ...,
        can_focus: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        label: str = ...,
        margin: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        style: Style = ...,
        use_underline: bool = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
        xalign: float = ...,
    ) -> None: ...
    @classmethod
    def new(cls, group: Sequence[RadioButton] | None = None) -> RadioButton: ...
    @classmethod
    def new_from_widget(cls, radio_group_member: RadioButton | None = None) -> RadioButton: ...
    @classmethod
    def new_with_mnemonic(cls, group: Sequence[RadioButton] | None, label: str) -> RadioButton: ...
    @classmethod
    def new_with_mnemonic_from_widget(cls, radio_group_member: RadioButton | None, label: str) -> RadioButton: ...

class Range(Widget):
    def get_value(self) -> float: ...
    def set_value(self, value: float) -> None: ...

class Requisition:
    width: int
    height: int
    @classmethod
    def new(cls) -> Requisition: ...
    def copy(self) -> Requisition: ...

class ResponseType(GObject.GEnum):
    NONE: Final[ResponseType]
    OK: Final[ResponseType]
    CANCEL: Final[ResponseType]
    CLOSE: Final[ResponseType]
    APPLY: Final[ResponseType]
    HELP: Final[ResponseType]

class Scale(Range):
    def __init__(
        self,
        *,
        adjustment: Adjustment = ...,
        can_focus: bool = ...,
        digits: int = ...,
        draw_value: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        inverted: bool = ...,
        margin: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        orientation: Orientation = ...,
        style: Style = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
    ) -> None: ...
    @classmethod
    def new(cls, orientation: Orientation, adjustment: Adjustment | None = None) -> Scale: ...
    @classmethod
    def new_with_range(cls, orientation: Orientation, min: float, max: float, step: float) -> Scale: ...

class ScrolledWindow(Bin):
    def __init__(
        self,
        *,
        border_width: int = ...,
        can_focus: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        margin: int = ...,
        min_content_height: int = ...,
        min_content_width: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        propagate_natural_height: bool = ...,
        propagate_natural_width: bool = ...,
        style: Style = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
    ) -> None: ...
    @classmethod
    def new(cls, hadjustment: Adjustment | None = None, vadjustment: Adjustment | None = None) -> ScrolledWindow: ...
    def set_policy(self, hscrollbar_policy: PolicyType, vscrollbar_policy: PolicyType) -> None: ...

class Settings(GObject.Object):
    @staticmethod
    def get_default() -> Settings: ...

class SpinButton(Entry):
    def __init__(
        self,
        *,
        activates_default: bool = ...,
        adjustment: Adjustment = ...,
        can_focus: bool = ...,
        digits: int = ...,
        editable: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        margin: int = ...,
        max_width_chars: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        orientation: Orientation = ...,
        style: Style = ...,
        valign: Align = ...,
        value: float = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        width_chars: int = ...,
        window: Gdk.Window = ...,
        wrap: bool = ...,
        xalign: float = ...,
    ) -> None: ...
    @classmethod
    def new(cls, adjustment: Adjustment | None, climb_rate: float, digits: int) -> SpinButton: ...
    @classmethod
    def new_with_range(cls, min: float, max: float, step: float) -> SpinButton: ...
    def get_value(self) -> float: ...
    def get_value_as_int(self) -> int: ...
    def set_value(self, value: float) -> None: ...
    def spin(self, direction: SpinType, increment: float) -> None: ...
    def update(self) -> None: ...

class SpinType(GObject.GEnum):
    END: Final[SpinType]

class Spinner(Widget):
    def __init__(
        self,
        *,
        can_focus: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        margin: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        style: Style = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
    ) -> None: ...
    @classmethod
    def new(cls) -> Spinner: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...

class StateFlags(GObject.GFlags):
    NORMAL: Final[StateFlags]

class Style(GObject.Object):
    @classmethod
    def new(cls) -> Style: ...
    def copy(self) -> Style: ...

class StyleContext(GObject.Object):
    @classmethod
    def new(cls) -> StyleContext: ...
    def add_class(self, class_name: str) -> None: ...
    def get_direction(self) -> TextDirection: ...
    def get_frame_clock(self) -> Gdk.FrameClock | None: ...
    def get_parent(self) -> StyleContext | None: ...
    def get_property(self, property: str, state: StateFlags) -> Any: ...
    def save(self) -> None: ...
    def set_direction(self, direction: TextDirection) -> None: ...

class TextBuffer(GObject.Object):
    def create_tag(self, tag_name: str | None = None, **properties: Any) -> TextTag: ...
    def insert(self, iter: TextIter, text: str, length: int = -1) -> None: ...
    def insert_with_tags(self, iter: TextIter, text: str, *tags: TextTag) -> None: ...
    def set_text(self, text: str, length: int = -1) -> None: ...
    @classmethod
    def new(cls, table: TextTagTable | None = None) -> TextBuffer: ...
    def delete(self, start: TextIter, end: TextIter) -> None: ...
    def get_end_iter(self) -> TextIter: ...
    def get_text(self, start: TextIter, end: TextIter, include_hidden_chars: bool) -> str: ...

class TextDirection(GObject.GEnum):
    NONE: Final[TextDirection]
    LTR: Final[TextDirection]
    RTL: Final[TextDirection]

class TextIter:
    def copy(self) -> TextIter: ...
    def get_buffer(self) -> TextBuffer: ...
    def get_text(self, end: TextIter) -> str: ...
    def order(self, second: TextIter) -> None: ...

class TextTag(GObject.Object):
    @classmethod
    def new(cls, name: str | None = None) -> TextTag: ...
    def changed(self, size_changed: bool) -> None: ...

class TextTagTable(GObject.Object, Buildable):
    @classmethod
    def new(cls) -> TextTagTable: ...
    def add(self, tag: TextTag) -> bool: ...
    def get_size(self) -> int: ...
    def remove(self, tag: TextTag) -> None: ...

class TextView(Container):
    def __init__(
        self,
        *,
        border_width: int = ...,
        can_focus: bool = ...,
        cursor_visible: bool = ...,
        editable: bool = ...,
        halign: Align = ...,
        hexpand: bool = ...,
        left_margin: int = ...,
        margin: int = ...,
        name: str = ...,
        no_show_all: bool = ...,
        right_margin: int = ...,
        style: Style = ...,
        top_margin: int = ...,
        valign: Align = ...,
        vexpand: bool = ...,
        visible: bool = ...,
        window: Gdk.Window = ...,
        wrap_mode: WrapMode = ...,
    ) -> None: ...
    @classmethod
    def new(cls) -> TextView: ...
    def get_buffer(self) -> TextBuffer: ...

class ToggleButton(Button):
    @classmethod
    def new(cls) -> ToggleButton: ...
    @classmethod
    def new_with_mnemonic(cls, label: str) -> ToggleButton: ...
    def get_active(self) -> bool: ...
    def get_mode(self) -> bool: ...
    def set_active(self, is_active: bool) -> None: ...
    def set_mode(self, draw_indicator: bool) -> None: ...

class TreeIter:
    def copy(self) -> TreeIter: ...

class TreeModel(GObject.GInterface):
    def get(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_value(self, iter: TreeIter, column: int) -> Any: ...

class Widget(GObject.InitiallyUnowned, Buildable):
    def add_events(self, events: int) -> None: ...
    def destroy(self) -> None: ...
    def get_accessible(self) -> Atk.Object: ...
    def get_direction(self) -> TextDirection: ...
    def get_display(self) -> Gdk.Display: ...
    def get_frame_clock(self) -> Gdk.FrameClock | None: ...
    def get_name(self) -> str: ...
    def get_opacity(self) -> float: ...
    def get_parent(self) -> Widget | None: ...
    def get_preferred_size(self) -> _WidgetGetPreferredSize: ...
    def get_scale_factor(self) -> int: ...
    def get_style_context(self) -> StyleContext: ...
    def get_visible(self) -> bool: ...
    def grab_focus(self) -> None: ...
    def hide(self) -> None: ...
    def path(self) -> _WidgetPath: ...
    def queue_draw(self) -> None: ...
    def set_direction(self, dir: TextDirection) -> None: ...
    def set_halign(self, align: Align) -> None: ...
    def set_name(self, name: str) -> None: ...
    def set_no_show_all(self, no_show_all: bool) -> None: ...
    def set_opacity(self, opacity: float) -> None: ...
    def set_sensitive(self, sensitive: bool) -> None: ...
    def set_size_request(self, width: int, height: int) -> None: ...
    def set_tooltip_text(self, text: str | None = None) -> None: ...
    def set_visible(self, visible: bool) -> None: ...
    def show(self) -> None: ...
    def show_all(self) -> None: ...

class Window(Bin):
    @classmethod
    def new(cls, type: WindowType) -> Window: ...
    def close(self) -> None: ...
    def get_focus(self) -> Widget | None: ...
    def get_opacity(self) -> float: ...
    def get_size(self) -> _WindowGetSize: ...
    def move(self, x: int, y: int) -> None: ...
    def resize(self, width: int, height: int) -> None: ...
    def set_default_size(self, width: int, height: int) -> None: ...
    def set_icon_name(self, name: str | None = None) -> None: ...
    def set_opacity(self, opacity: float) -> None: ...

class WindowType(GObject.GEnum): ...

class WrapMode(GObject.GEnum):
    NONE: Final[WrapMode]
    WORD: Final[WrapMode]
    WORD_CHAR: Final[WrapMode]

class _CellRendererGetPreferredSize(tuple[Requisition, Requisition]):
    @property
    def natural_size(self) -> Requisition: ...

class _CellRendererGetSize(tuple[int, int, int, int]):
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...

class _LayoutGetSize(tuple[int, int]):
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...

class _WidgetGetPreferredSize(tuple[Requisition, Requisition]):
    @property
    def natural_size(self) -> Requisition: ...

class _WidgetPath(tuple[int, str, str]):
    @property
    def path(self) -> str: ...

class _WindowGetSize(tuple[int, int]):
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...

def accelerator_get_default_mod_mask() -> Gdk.ModifierType: ...
