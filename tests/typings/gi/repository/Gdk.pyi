# SPDX-License-Identifier: GPL-3.0-or-later
# Written by tests/typings/generate.py.
# mypy: disable-error-code="misc, override"
from typing import Final

from gi.repository import GdkPixbuf, GObject

BUTTON_PRIMARY: int

class Cursor(GObject.Object):
    @classmethod
    def new(cls, cursor_type: CursorType) -> Cursor: ...
    @classmethod
    def new_from_name(cls, display: Display, name: str) -> Cursor: ...
    def get_display(self) -> Display: ...
    def get_image(self) -> GdkPixbuf.Pixbuf | None: ...

class CursorType(GObject.GEnum): ...

class Display(GObject.Object):
    @staticmethod
    def get_default() -> Display | None: ...
    @staticmethod
    def open(display_name: str) -> Display | None: ...
    def close(self) -> None: ...
    def flush(self) -> None: ...
    def get_monitor(self, monitor_num: int) -> Monitor | None: ...
    def get_name(self) -> str: ...
    def get_primary_monitor(self) -> Monitor | None: ...

class EventButton:
    type: EventType
    window: Window
    time: int
    x: float
    y: float
    state: ModifierType
    button: int

class EventFocus:
    type: EventType
    window: Window

class EventKey:
    type: EventType
    window: Window
    time: int
    state: ModifierType
    keyval: int
    length: int
    group: int

class EventMask(GObject.GFlags):
    POINTER_MOTION_MASK: Final[EventMask]
    BUTTON_PRESS_MASK: Final[EventMask]
    BUTTON_RELEASE_MASK: Final[EventMask]
    SCROLL_MASK: Final[EventMask]
    SMOOTH_SCROLL_MASK: Final[EventMask]

class EventMotion:
    type: EventType
    window: Window
    time: int
    x: float
    y: float
    state: ModifierType

class EventScroll:
    type: EventType
    window: Window
    time: int
    x: float
    y: float
    state: ModifierType
    direction: ScrollDirection
    delta_y: float

class EventType(GObject.GEnum):
    KEY_PRESS: Final[EventType]

class FrameClock(GObject.Object): ...

class ModifierType(GObject.GFlags):
    SHIFT_MASK: Final[ModifierType]

class Monitor(GObject.Object):
    def get_display(self) -> Display: ...
    def get_scale_factor(self) -> int: ...
    def get_workarea(self) -> Rectangle: ...

class Rectangle:
    x: int
    y: int
    width: int
    height: int
    def union(self, src2: Rectangle) -> Rectangle: ...

class ScrollDirection(GObject.GEnum):
    UP: Final[ScrollDirection]
    DOWN: Final[ScrollDirection]
    RIGHT: Final[ScrollDirection]
    SMOOTH: Final[ScrollDirection]

class Window(GObject.Object):
    @classmethod
    def new(cls, parent: Window | None, attributes: WindowAttr, attributes_mask: WindowAttributesType) -> Window: ...
    def destroy(self) -> None: ...
    def flush(self) -> None: ...
    def get_children(self) -> list[Window]: ...
    def get_display(self) -> Display: ...
    def get_frame_clock(self) -> FrameClock: ...
    def get_height(self) -> int: ...
    def get_parent(self) -> Window: ...
    def get_scale_factor(self) -> int: ...
    def get_width(self) -> int: ...
    def hide(self) -> None: ...
    def lower(self) -> None: ...
    def move(self, x: int, y: int) -> None: ...
    def resize(self, width: int, height: int) -> None: ...
    def set_cursor(self, cursor: Cursor | None = None) -> None: ...
    def set_icon_name(self, name: str | None = None) -> None: ...
    def set_opacity(self, opacity: float) -> None: ...
    def show(self) -> None: ...

class WindowAttr:
    title: str
    x: int
    y: int
    width: int
    height: int

class WindowAttributesType(GObject.GFlags): ...

def keyval_name(keyval: int) -> str | None: ...
def keyval_to_lower(keyval: int) -> int: ...
