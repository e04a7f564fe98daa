# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of Filters → Saliency → Model Server: what runs, since when, with which networks; start and stop it.

Every call to the server runs in a thread of its own, so that the window never waits.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any, Callable

import gi

from ..shared import settings
from ..shared.client import lifecycle
from ..shared.errors import ServerError, UserError
from ..shared.words import _

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GimpUi, GLib, GObject, Gtk, Pango  # noqa: E402

_REFRESH = 1000  # milliseconds
_TOGGLE, _RESTART = 1, 2  # responses; GTK's own are negative


def show() -> None:
    """Show the window until the user closes it."""
    GimpUi.init("saliency")
    ServerDialog().run()


class ServerDialog:
    """The window.  All methods are for GTK's thread."""

    def __init__(self) -> None:
        header = Gtk.Settings.get_default().get_property("gtk-dialogs-use-header")
        self._dialog = GimpUi.Dialog(use_header_bar=header, title=_("Model Server"), role="saliency-server")
        self._health: dict[str, Any] | None = None
        self._started = (0, 0.0)  # process id, and when that process started
        self._busy = _("Looking for it…")  # what is being done with the server, "" for nothing
        self._errors: dict[str, str] = {}  # by what failed: "action", "health", "settings"
        self._question = 0  # number of the last one; answers to others come too late
        self._waiting = self._closed = False
        self._toggle = self._dialog.add_button(_("_Start"), _TOGGLE)
        self._restart = self._dialog.add_button(_("_Restart"), _RESTART)
        close = self._dialog.add_button(_("_Close"), Gtk.ResponseType.CLOSE)
        self._dialog.set_default_response(Gtk.ResponseType.CLOSE)
        self._build()
        self._update()
        close.grab_focus()
        self._dialog.show_all()

    def run(self) -> None:
        """Until the user closes the window."""
        GimpUi.window_set_transient(self._dialog)
        timer = GLib.timeout_add(_REFRESH, self._refresh)
        self._refresh()
        try:
            while True:
                response = self._dialog.run()
                if response == _TOGGLE and self._runs():
                    self._act(_("Stopping…"), lambda: lifecycle.stop(kill=True))
                elif response == _TOGGLE:
                    self._act(_("Starting…"), lifecycle.start)
                elif response == _RESTART:
                    self._act(_("Restarting…"), lifecycle.restart)
                else:
                    break
            self._idle.update()  # a number that is still being typed counts
        finally:
            self._closed = True
            GLib.source_remove(timer)
            self._dialog.destroy()

    def _build(self) -> None:
        grid = Gtk.Grid(column_spacing=12, row_spacing=6, border_width=12)
        self._dialog.get_content_area().pack_start(grid, True, True, 0)
        titles = {
            "state": _("State:"),
            "started": _("Started:"),
            "pid": _("Process id:"),
            "version": _("Version:"),
            "memory": _("Memory:"),
            "model": _("Model:"),
            "networks": _("Networks:"),
        }
        self._values = {name: _value() for name in (*titles, "sizes", "checksums")}
        for row, (name, title) in enumerate(titles.items()):
            label = Gtk.Label(label=title, xalign=0, valign=Gtk.Align.START)
            label.set_mnemonic_widget(self._values[name])  # tells screen readers which value it names
            grid.attach(label, 0, row, 1, 1)
            if name != "networks":
                grid.attach(self._values[name], 1, row, 1, 1)
        columns = Gtk.Box(spacing=12)
        for name in ("networks", "sizes", "checksums"):
            columns.pack_start(self._values[name], False, False, 0)
        self._values["sizes"].set_justify(Gtk.Justification.RIGHT)
        grid.attach(columns, 1, len(titles) - 1, 1, 1)
        limits = settings.IDLE_MINUTES
        self._idle = Gtk.SpinButton.new_with_range(limits[0], limits[-1], 1)
        self._idle.set_value(settings.load().idle_minutes)
        self._idle.set_halign(Gtk.Align.START)
        self._idle.connect("value-changed", self._save)
        label = Gtk.Label(label=_("_Idle minutes until it ends:"), use_underline=True, xalign=0)
        label.set_mnemonic_widget(self._idle)
        grid.attach(label, 0, len(titles), 1, 1)
        grid.attach(self._idle, 1, len(titles), 1, 1)
        self._note, self._error = Gtk.Label(xalign=0), _value()
        for row, text in enumerate((self._note, self._error), len(titles) + 1):
            text.set_line_wrap(True)
            text.set_line_wrap_mode(Pango.WrapMode.WORD_CHAR)  # paths may be long
            text.set_max_width_chars(50)  # where it wraps in a window of its natural width
            text.set_no_show_all(True)
            grid.attach(text, 1, row, 1, 1)
        icon = Gtk.Image(icon_name="dialog-error", halign=Gtk.Align.END, valign=Gtk.Align.START, no_show_all=True)
        grid.attach(icon, 0, len(titles) + 2, 1, 1)
        self._error.bind_property("visible", icon, "visible", GObject.BindingFlags.SYNC_CREATE)

    def _runs(self) -> bool:
        """Whether a server runs, be it one that does not answer."""
        return self._health is not None or "health" in self._errors

    def _refresh(self) -> bool:
        """See how the server is, unless an answer is awaited; True keeps the timer."""
        if not self._waiting:
            self._ask(None)
        return True

    def _act(self, what: str, action: Callable[[], Any]) -> None:
        """Do something with the server; meanwhile its buttons rest."""
        self._busy = what
        self._errors.pop("action", None)
        self._update()
        self._ask(action)

    def _ask(self, action: Callable[[], Any] | None) -> None:
        """In a thread: do the action, then see how the server is."""
        self._waiting = True
        self._question = question = self._question + 1

        def work() -> None:
            GLib.idle_add(self._show, question, *_look(action))

        threading.Thread(target=work, daemon=True).start()

    def _show(self, question: int, health: dict[str, Any] | None, errors: dict[str, str]) -> bool:
        if question == self._question and not self._closed:
            self._waiting, self._busy, self._health = False, "", health
            self._errors.pop("health", None)
            self._errors.update(errors)
            self._update()
        return False  # once is enough

    def _save(self, spin: Any) -> None:
        self._errors.pop("settings", None)
        try:
            settings.save(replace(settings.load(), idle_minutes=spin.get_value_as_int()))
        except UserError as error:
            self._errors["settings"] = str(error)
        self._update()

    def _update(self) -> None:
        """Bring all texts and buttons up to date."""
        health = self._health or {}
        if health.get("pid", 0) != self._started[0]:
            self._started = health.get("pid", 0), time.time() - health.get("seconds", 0)
        texts = {**_texts(health, self._started[1]), "state": self._busy or self._state()}
        for name, value in self._values.items():
            _set(value, texts[name])
        other = health.get("idle_minutes", self._idle.get_value()) != self._idle.get_value()
        _set(self._note, _("Counts from the next start of the server.") if other else "")
        error = health.get("error")
        _set(self._error, "\n".join([*self._errors.values(), *([_(error)] if error else [])]))
        self._toggle.set_label(_("S_top") if self._runs() else _("_Start"))
        self._toggle.set_sensitive(not self._busy)
        self._restart.set_sensitive(not self._busy and self._runs())

    def _state(self) -> str:
        if self._health is None:
            return (
                _("Running, but it does not answer") if self._runs() else _("Not running; GIMP starts it when needed")
            )
        states = {"loading": _("Running, loading its networks"), "failed": _("Running, but without networks")}
        return states.get(self._health.get("state", ""), _("Running"))


def _look(action: Callable[[], Any] | None) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """Do the action, then see how the server is: its health, and the sentences of what failed.  For any thread."""
    errors: dict[str, str] = {}
    try:
        if action:
            action()
    except ServerError as error:
        errors["action"] = str(error)
    try:
        return lifecycle.health(), errors
    except ServerError as error:
        return None, {**errors, "health": str(error)}


def _texts(health: dict[str, Any], started: float) -> dict[str, str]:
    """What the window says of a server, of none where `health` is empty."""
    today = time.localtime(started)[:3] == time.localtime()[:3]
    networks = health.get("networks") or {}
    texts = {
        "started": time.strftime("%X" if today else "%x %X", time.localtime(started)) if health else "",
        "pid": str(health.get("pid", "")),
        "version": str(health.get("version", "")),
        "memory": GLib.format_size(health["memory"]) if health.get("memory") else "",
        "model": str(health.get("model", "")),
        "networks": "\n".join(networks),
    }
    return {
        **{name: text or "–" for name, text in texts.items()},
        "sizes": "\n".join(GLib.format_size(facts.get("bytes", 0)) for facts in networks.values()),
        "checksums": "\n".join(facts.get("sha256", "") for facts in networks.values()),
    }


def _value() -> Any:
    """A label whose text people can select and copy."""
    return Gtk.Label(xalign=0, valign=Gtk.Align.START, selectable=True, can_focus=False)


def _set(label: Any, text: str) -> None:
    """Set a label's text, but only where it is new, so that what is selected in it stays so; hide it without text."""
    if label.get_text() != text:
        label.set_text(text)
    label.set_visible(bool(text))
