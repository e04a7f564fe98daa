# SPDX-License-Identifier: GPL-3.0-or-later
"""The window of Filters → Saliency → Model Server: what runs, since when, with which networks; start and stop it.

Every call to the server runs in a thread of its own, so that the window never waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

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
_TITLES = {
    "state": _("State:"),
    "started": _("Started:"),
    "pid": _("Process id:"),
    "version": _("Version:"),
    "memory": _("Memory:"),
    "model": _("Model:"),
    "networks": _("Networks:"),
}
_COLUMNS = ("sizes", "checksums")  # beside the networks' names


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
                if response == _TOGGLE and self._is_running():
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
        self._values = self._add_values(grid)
        self._idle = self._add_idle_minutes(grid, len(_TITLES))
        self._note = self._add_note(grid, len(_TITLES) + 1, Gtk.Label(xalign=0))
        self._error = self._add_note(grid, len(_TITLES) + 2, _make_value())
        icon = Gtk.Image(icon_name="dialog-error", halign=Gtk.Align.END, valign=Gtk.Align.START, no_show_all=True)
        grid.attach(icon, 0, len(_TITLES) + 2, 1, 1)
        self._error.bind_property("visible", icon, "visible", GObject.BindingFlags.SYNC_CREATE)

    def _add_values(self, grid: Gtk.Grid) -> dict[str, Gtk.Label]:
        """A row for each fact about the server; the labels to write its values to."""
        values = {name: _make_value() for name in (*_TITLES, *_COLUMNS)}
        columns = Gtk.Box(spacing=12)
        for name in ("networks", *_COLUMNS):
            columns.pack_start(values[name], False, False, 0)
        values["sizes"].set_justify(Gtk.Justification.RIGHT)
        for row, (name, title) in enumerate(_TITLES.items()):
            label = Gtk.Label(label=title, xalign=0, valign=Gtk.Align.START)
            label.set_mnemonic_widget(values[name])  # tells screen readers which value it names
            grid.attach(label, 0, row, 1, 1)
            grid.attach(columns if name == "networks" else values[name], 1, row, 1, 1)
        return values

    def _add_idle_minutes(self, grid: Gtk.Grid, row: int) -> Gtk.SpinButton:
        limits = settings.IDLE_MINUTES
        idle = Gtk.SpinButton.new_with_range(limits[0], limits[-1], 1)
        idle.set_value(settings.load().idle_minutes)
        idle.set_halign(Gtk.Align.START)
        idle.connect("value-changed", self._save)
        label = Gtk.Label(label=_("_Idle minutes until it ends:"), use_underline=True, xalign=0)
        label.set_mnemonic_widget(idle)
        grid.attach(label, 0, row, 1, 1)
        grid.attach(idle, 1, row, 1, 1)
        return idle

    def _add_note(self, grid: Gtk.Grid, row: int, label: Gtk.Label) -> Gtk.Label:
        """A row for a sentence, hidden while there is none."""
        label.set_line_wrap(True)
        label.set_line_wrap_mode(Pango.WrapMode.WORD_CHAR)  # paths may be long
        label.set_max_width_chars(50)  # where it wraps in a window of its natural width
        label.set_no_show_all(True)
        grid.attach(label, 1, row, 1, 1)
        return label

    def _is_running(self) -> bool:
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
        self._question += 1
        threading.Thread(target=self._work, args=(self._question, action), daemon=True).start()

    def _work(self, question: int, action: Callable[[], Any] | None) -> None:
        """The thread's work."""
        GLib.idle_add(self._show, question, *_check_server(action))

    def _show(self, question: int, health: dict[str, Any] | None, errors: dict[str, str]) -> bool:
        if question == self._question and not self._closed:
            self._waiting, self._busy, self._health = False, "", health
            self._errors.pop("health", None)
            self._errors.update(errors)
            self._update()
        return False  # once is enough

    def _save(self, spin: Gtk.SpinButton) -> None:
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
        texts = {**_describe(health, self._started[1]), "state": self._busy or self._describe_state()}
        for name, value in self._values.items():
            _set_text(value, texts[name])
        minutes = self._idle.get_value()
        other = health.get("idle_minutes", minutes) != minutes
        _set_text(self._note, _("Counts from the next start of the server.") if other else "")
        error = health.get("error")
        _set_text(self._error, "\n".join([*self._errors.values(), *([_(error)] if error else [])]))
        self._toggle.set_label(_("S_top") if self._is_running() else _("_Start"))
        self._toggle.set_sensitive(not self._busy)
        self._restart.set_sensitive(not self._busy and self._is_running())

    def _describe_state(self) -> str:
        if self._health is None and self._is_running():
            return _("Running, but it does not answer")
        if self._health is None:
            return _("Not running; GIMP starts it when needed")
        states = {"loading": _("Running, loading its networks"), "failed": _("Running, but without networks")}
        return states.get(self._health.get("state", ""), _("Running"))


def _check_server(action: Callable[[], Any] | None) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """Do the action, then see how the server is: its health, and the sentences of what failed.  For any thread."""
    errors: dict[str, str] = {}
    try:
        if action:
            action()
    except ServerError as error:
        errors["action"] = str(error)
    try:
        return lifecycle.ask_health(), errors
    except ServerError as error:
        return None, {**errors, "health": str(error)}


def _describe(health: dict[str, Any], started: float) -> dict[str, str]:
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


def _make_value() -> Gtk.Label:
    """A label whose text people can select and copy."""
    return Gtk.Label(xalign=0, valign=Gtk.Align.START, selectable=True, can_focus=False)


def _set_text(label: Gtk.Label, text: str) -> None:
    """Set a label's text, but only where it is new, so that what is selected in it stays so; hide it without text."""
    if label.get_text() != text:
        label.set_text(text)
    label.set_visible(bool(text))
