# SPDX-License-Identifier: GPL-3.0-or-later
"""Write type stubs from typelibs, of no more than what some sources use.  Runs in GIMP's own Python, which has gi.

Of a class that the sources name, or that such a class has to do with, a stub has those members whose names stand as
attributes anywhere in the sources, whosever attributes they are: too many rather than too few.
"""

from __future__ import annotations

import ast
import importlib
import keyword
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any

import by_hand
import gi

_VERSIONS = {"Babl": "0.1", "GdkPixbuf": "2.0", "Gegl": "0.4", "Gimp": "3.0", "GimpUi": "3.0", "Gtk": "3.0"}
_IN, _OUT = 0, 1  # directions of arguments; 2 is both
_PLAIN = {
    "gboolean": "bool",
    "gfloat": "float",
    "gdouble": "float",
    "utf8": "str",
    "filename": "str",
    "gunichar": "str",
}
_BYTES = ("bytes | bytearray | memoryview", "bytes")  # by direction
# Values of these types are Python's own, or have no stub.
_SPECIAL = {
    "GObject.Value": "Any",
    "GObject.Closure": "Callable[..., Any]",
    "GLib.Error": "GLib.Error",
    "cairo.Context": "Any",
}
_NAMES = re.compile(r"\b\w+\.[A-Z]\w*")  # of classes, in types
_IMPORTS = {
    "collections.abc": ("Callable", "Sequence"),
    "contextlib": ("AbstractContextManager",),
    "typing": ("Any", "ClassVar", "Final"),
    "typing_extensions": ("Self", "TypeVarTuple", "Unpack"),
}


@dataclass
class Uses:
    """What the sources use: "module.name", which of these they call or derive, attributes, keywords, own methods."""

    names: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    keywords: set[str] = field(default_factory=set)
    defined: set[str] = field(default_factory=set)


def find_uses(sources: list[Path]) -> Uses:
    """What the sources use of gi's modules."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sources]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    modules = {
        name.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == "gi.repository"
        for name in node.names
    }
    uses = Uses()
    for node in nodes:
        if isinstance(node, ast.Attribute):
            uses.attributes.add(node.attr)
            if isinstance(node.value, ast.Name) and node.value.id in modules:
                uses.names.add(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Call):
            uses.called.add(ast.unparse(node.func))
            uses.keywords.update(word.arg for word in node.keywords if word.arg)
        elif isinstance(node, ast.ClassDef):
            uses.called.update(ast.unparse(base) for base in node.bases)
        elif isinstance(node, ast.FunctionDef):
            uses.defined.add(node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # types may stand in quotes
            uses.names.update(
                f"{module}.{name}" for module, name in re.findall(r"\b(\w+)\.(\w+)", node.value) if module in modules
            )
    return uses


class Stubs:
    """The stubs' texts, by module."""

    def __init__(self, uses: Uses) -> None:
        self._uses = uses
        self._waiting: list[str] = []  # classes that are to be written
        self._written: dict[str, dict[str, str]] = {}  # by module and name
        self._interfaces: dict[str, list[str]] = {}  # of classes; bases only where a stub has the interface
        self.unknown: list[str] = []  # what the sources name and no module has
        self.untyped: list[str] = []  # what only Python can describe and by_hand.py does not
        for name in sorted(uses.names):
            self._write_name(name)
        while self._waiting:
            name = self._waiting.pop()
            self._put(name, self._write_class(name))

    def list_texts(self) -> Iterator[tuple[str, str]]:
        """(module, the stub's text)."""
        for module, found in sorted(self._written.items()):
            body = "\n".join(text for _name, text in sorted(found.items()))
            for name, interfaces in self._interfaces.items():
                bases = [base for base in interfaces if self._has(base)]
                body = body.replace(f"<interfaces of {name}>", "".join(f", {base}" for base in bases))
            body = re.sub(rf"\b{module}\.", "", body)
            yield module, f"{_write_head(module, body)}\n{body}\n"

    def _has(self, name: str) -> bool:
        module, _, own = name.partition(".")
        return own in self._written.get(module, {})

    def _put(self, name: str, text: str) -> None:
        module, _, own = name.partition(".")
        self._written.setdefault(module, {})[own] = text

    def _need(self, name: str) -> str:
        """The name, of a class that is going to have a stub."""
        if not self._has(name):
            self._put(name, "")
            self._waiting.append(name)
        return name

    def _write_name(self, name: str) -> None:
        """Write what a module has under a name."""
        own = name.partition(".")[2]
        value = _find_value(name)
        if name in by_hand.FUNCTIONS:
            self._put(name, by_hand.FUNCTIONS[name])
        elif value is None:
            self.unknown.append(name)
        elif isinstance(value, type):
            self._need(name)
        elif hasattr(value, "get_arguments"):
            self._put(name, self._write_function(value))
        elif callable(value):
            self.untyped.append(name)
            self._put(name, f"def {own}(*args: Any, **kwargs: Any) -> Any: ...")
        elif type(value).__name__ == "GType":
            self._put(name, f"{own}: {self._need('GObject.GType')}")
        else:
            self._put(name, f"{own}: {type(value).__name__}")

    def _write_class(self, name: str) -> str:
        """The stub of a class."""
        own = name.partition(".")[2]
        if name in by_hand.CLASSES:
            return by_hand.CLASSES[name].strip()
        value = _find_value(name)
        kind = type(value.__info__).__name__
        if kind == "EnumInfo":
            return self._write_enumeration(name, value)
        bases = ""
        if kind == "ObjectInfo":
            parent = value.__info__.get_parent()
            bases = self._need(_name_info(parent)) if parent else ""
            inherited = [_name_info(each) for base in _list_ancestors(parent) for each in base.get_interfaces()]
            own_interfaces = map(_name_info, value.__info__.get_interfaces())
            self._interfaces[name] = [interface for interface in own_interfaces if interface not in inherited]
            for interface in value.__info__.get_interfaces():
                if any(method.get_name() in self._uses.attributes for method in interface.get_methods()):
                    self._need(_name_info(interface))
            bases += f"<interfaces of {name}>"
        elif kind == "InterfaceInfo":
            bases = self._need("GObject.GInterface")
        members = "\n".join(f"    {line}" for text in self._write_members(name, value) for line in text.splitlines())
        return f"class {own}({bases}):\n{members or '    ...'}"

    def _write_enumeration(self, name: str, value: Any) -> str:
        own = name.partition(".")[2]
        base = self._need("GObject.GFlags" if value.__info__.is_flags() else "GObject.GEnum")
        names = [each.get_name().upper().replace("-", "_") for each in value.__info__.get_values()]
        members = [f"    {each}: Final[{name}]" for each in names if each in self._uses.attributes]
        return "\n".join([f"class {own}({base}):", *(members or ["    ..."])])

    def _write_members(self, name: str, value: Any) -> Iterator[str]:
        """The stubs of a class's own members."""
        info, uses = value.__info__, self._uses
        done = set()
        for text in by_hand.MEMBERS.get(name, []):
            found = re.search(r"def (\w+)|^(\w+):", text)
            member = found.group(found.lastindex or 0) if found else ""
            done.add(member)
            if member.startswith("__") or member in uses.attributes | uses.defined:
                for other in _NAMES.findall(text):
                    self._need(other)
                yield text
        if type(info).__name__ == "ObjectInfo" and name in uses.called:
            yield self._write_constructor(value)
        for each in _list_fields(info):
            if each.get_name() in uses.attributes:
                done.add(each.get_name())
                yield f"{each.get_name()}: {self._write_type(each.get_type_info(), _OUT)}"
        for member in sorted(_list_replaced(value) & uses.attributes - done):
            done.add(member)
            self.untyped.append(f"{name}.{member}")
            yield f"def {member}(self, *args: Any, **kwargs: Any) -> Any: ..."
        for method in info.get_methods():
            if method.get_name() in uses.attributes - done:
                done.add(method.get_name())
                yield self._write_function(method, name)
        for method in info.get_vfuncs() if hasattr(info, "get_vfuncs") else ():
            if f"do_{method.get_name()}" in uses.defined - done:
                yield self._write_function(method, name, "do_")

    def _write_constructor(self, value: Any) -> str:
        """`__init__`, which sets properties, with those of the class and its bases whose names the sources use so."""
        found: dict[str, str] = {}
        waiting = [value.__info__]
        while waiting:
            info = waiting.pop(0)
            for each in info.get_properties():
                own = each.get_name().replace("-", "_")
                if own in self._uses.keywords and own not in found:
                    found[own] = self._write_type(each.get_type_info(), _IN)
            if hasattr(info, "get_interfaces"):
                waiting += [*([info.get_parent()] if info.get_parent() else []), *info.get_interfaces()]
        properties = "".join(f", {own}: {text} = ..." for own, text in sorted(found.items()))
        return f"def __init__(self{', *' if properties else ''}{properties}) -> None: ..."

    def _write_function(self, info: Any, owner: str = "", prefix: str = "") -> str:
        """The stub of a function, or of a class's method, as PyGObject offers it."""
        arguments = info.get_arguments()
        hidden = _find_hidden(info)
        callbacks = [each for each in arguments if each.get_closure_index() >= 0 and each.get_direction() == _IN]
        shown = [(i, each) for i, each in enumerate(arguments) if each.get_direction() != _OUT and i not in hidden]
        tail = len(shown)  # what may be left out: None at the end
        while tail and shown[tail - 1][1].may_be_null():
            tail -= 1
        parameters = []
        for place, (_, each) in enumerate(shown):
            own = f"{each.get_name()}_" if keyword.iskeyword(each.get_name()) else each.get_name()
            text = _add_none(self._write_type(each.get_type_info(), _IN, data=callbacks == [each]), each.may_be_null())
            parameters.append(f"{own}: {text}{' = None' if place >= tail else ''}")
        if len(callbacks) == 1:
            parameters.append("*user_data: Unpack[_Ts]")
        elif callbacks:
            parameters.append("*user_data: Any")
        named = f"{owner or info.get_namespace()}.{info.get_name()}"
        decorator, result = "", self._name_results(named, self._list_results(info, hidden, _OUT))
        if named in by_hand.RESULTS:
            result = by_hand.RESULTS[named]
            for each in _NAMES.findall(result):
                self._need(each)
        if owner:
            if type(info).__name__ == "VFuncInfo" or info.is_method():
                parameters.insert(0, "self")
            elif info.is_constructor():
                decorator, result = "@classmethod\n", owner
                parameters.insert(0, "cls")
            else:
                decorator = "@staticmethod\n"
        return f"{decorator}def {prefix}{info.get_name()}({', '.join(parameters)}) -> {result}: ..."

    def _list_results(self, info: Any, hidden: set[int], direction: int) -> list[tuple[str, str]]:
        """(name, type) of what a call returns: the function's own value, which has no name, then its out-arguments."""
        results = []
        returned = self._write_type(info.get_return_type(), direction)
        if returned != "None" and not info.skip_return():
            results.append(("", _add_none(returned, info.may_return_null())))
        for i, each in enumerate(info.get_arguments()):
            if each.get_direction() != _IN and i not in hidden:
                text = _add_none(self._write_type(each.get_type_info(), direction), each.may_be_null())
                results.append((each.get_name(), text))
        return results

    def _name_results(self, name: str, results: list[tuple[str, str]]) -> str:
        """The type of several results of a function: a tuple, whose items PyGObject gives names."""
        whole = _join_results(results)
        named = [(own, text) for own, text in results if own in self._uses.attributes]
        if len(results) == 1 or not named:
            return whole
        module, *rest = name.split(".")
        own_name = "_" + "".join(word[:1].upper() + word[1:] for part in rest for word in part.split("_"))
        members = [f"    @property\n    def {own}(self) -> {text}: ..." for own, text in named]
        self._put(f"{module}.{own_name}", "\n".join([f"class {own_name}({whole}):", *members]))
        return own_name

    def _write_type(self, info: Any, direction: int, data: bool = False) -> str:
        """A type as Python has it; data: a callback's with the user's data at the end."""
        tag = info.get_tag_as_string()
        if tag in _PLAIN:
            return _PLAIN[tag]
        if tag.startswith(("gint", "guint")):
            return "int"
        if tag == "GType":
            return self._need("GObject.GType") + (" | type[Any]" if direction == _IN else "")
        if tag == "error":
            return self._need("GLib.Error")
        if tag == "void":
            return "Any" if info.is_pointer() else "None"
        if tag in ("array", "glist", "gslist"):
            if info.get_param_type(0).get_tag_as_string() == "guint8":
                return _BYTES[direction]
            each = self._write_type(info.get_param_type(0), direction)
            return f"Sequence[{each}]" if direction == _IN else f"list[{each}]"
        if tag == "ghash":
            return f"dict[{', '.join(self._write_type(info.get_param_type(i), direction) for i in (0, 1))}]"
        interface = info.get_interface() if tag == "interface" else None
        if type(interface).__name__ == "CallbackInfo":
            return self._write_callback(interface, data)
        name = _name_info(interface) if interface else ""
        if name in _SPECIAL:
            return _SPECIAL[name]
        return self._need(name) if isinstance(_find_value(name), type) else "Any"

    def _write_callback(self, info: Any, data: bool) -> str:
        """What Python is called with, and returns, is the other way round."""
        hidden = _find_hidden(info)
        texts = []
        for i, each in enumerate(info.get_arguments()):
            if each.get_closure_index() == i or each.get_name() in ("data", "user_data"):
                texts.append("Unpack[_Ts]" if data else "Any")
            elif each.get_direction() != _OUT and i not in hidden:
                texts.append(_add_none(self._write_type(each.get_type_info(), _OUT), each.may_be_null()))
        result = _join_results(self._list_results(info, hidden, _IN))
        result = {"None": "object", "bool": "bool | None"}.get(result, result)
        return f"Callable[[{', '.join(texts)}], {result}]"


def _join_results(results: list[tuple[str, str]]) -> str:
    """The type of a call's results: nothing, one, or a tuple."""
    texts = [text for _name, text in results] or ["None"]
    return texts[0] if len(texts) == 1 else f"tuple[{', '.join(texts)}]"


def _add_none(text: str, nullable: bool) -> str:
    """A type, or None, where a value can be so: typelibs say it of numbers that C need not ask for, too."""
    return f"{text} | None" if nullable and text not in ("Any", "bool", "float", "int") else text


def _find_hidden(info: Any) -> set[int]:
    """Which arguments Python does not see: lengths of arrays, data of callbacks and what frees these."""
    hidden = {info.get_return_type().get_array_length_index()}
    for each in info.get_arguments():
        hidden |= {each.get_type_info().get_array_length_index(), each.get_closure_index(), each.get_destroy_index()}
    return hidden


def _list_ancestors(info: Any) -> Iterator[Any]:
    """A class, its base, and so on."""
    while info:
        yield info
        info = info.get_parent()


def _list_fields(info: Any) -> Iterator[Any]:
    if type(info).__name__ in ("StructInfo", "UnionInfo"):
        yield from info.get_fields()


def _list_replaced(value: Any) -> set[str]:
    """The methods of a class that PyGObject replaces or adds."""
    found = set()
    for base in value.__mro__:
        if getattr(base, "__info__", None) == value.__info__:
            methods = {name: getattr(method, "__func__", method) for name, method in vars(base).items()}
            found |= {name for name, method in methods.items() if isinstance(method, FunctionType)}
            found -= {name for name, method in methods.items() if "unsupported" in getattr(method, "__name__", "")}
    return {name for name in found if not name.startswith("__")}


def _name_info(info: Any) -> str:
    return f"{info.get_namespace()}.{info.get_name()}"


def _find_value(name: str) -> Any:
    """What a module has under a name; None for nothing, or for what is nothing in Python."""
    module, _, own = name.partition(".")
    try:
        return getattr(importlib.import_module(f"gi.repository.{module}"), own)
    except (AttributeError, ImportError, NotImplementedError, ValueError):
        return None


def _write_head(module: str, body: str) -> str:
    """The comment and imports that the stub of a module starts with."""
    lines = ["# SPDX-License-Identifier: GPL-3.0-or-later", "# Written by tests/typings/generate.py."]
    lines.append('# mypy: disable-error-code="misc, override"')  # subclasses' own constructors, as C has them
    variables = "_Ts" in body
    for source, names in _IMPORTS.items():
        used = [name for name in names if re.search(rf"\b{name}\b", body) or (name == "TypeVarTuple" and variables)]
        if source == "typing_extensions":
            others = sorted({other for other in re.findall(r"\b([A-Z]\w+)\.[A-Z]", body) if other != module})
            lines += [f"from gi.repository import {', '.join(others)}"] if others else []
        lines += [f"from {source} import {', '.join(used)}"] if used else []
    return "\n".join([*lines, *(['_Ts = TypeVarTuple("_Ts")'] if variables else [])])


def main() -> None:
    """`introspection.py FOLDER SOURCE…`: write the stubs into the folder."""
    folder, *sources = map(Path, sys.argv[1:])
    for module, version in _VERSIONS.items():
        gi.require_version(module, version)
    stubs = Stubs(find_uses(sources))
    for module, text in stubs.list_texts():
        (folder / f"{module}.pyi").write_text(text, encoding="utf-8")
    for name in stubs.unknown:
        print(f"{name}: not in this GIMP", file=sys.stderr)
    for name in stubs.untyped:
        print(f"{name}: untyped, as by_hand.py lacks it", file=sys.stderr)


if __name__ == "__main__":
    main()
