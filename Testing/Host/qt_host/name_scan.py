"""Which Qt, ctk and slicer names a file of Python uses, and which of them Slicer lacks."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from .names import OWN_MODULES, UNLISTED, class_names, group_names, object_names

UNKNOWN = "?"
ROOTS = ("qt", "ctk", "slicer")
# Modules of Slicer's Python that are listed by their own names.
LISTED_MODULES = (
    "util", "packaging", "i18n", "ScriptedLoadableModule", "parameterNodeWrapper", "cli", "testing",
)  # fmt: skip
# What every Slicer has beside its classes and modules.
SLICER_ATTRIBUTES = frozenset({"app", "mrmlScene", "modules", "selfTests", *LISTED_MODULES})


@dataclass(frozen=True)
class Violation:
    """A name that Slicer does not have: where, and what."""

    line: int
    name: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.name}"


@dataclass
class _Scope:
    """What names stand for: aliases of modules, ``self.x`` in the file, ``x`` in a function."""

    aliases: dict[str, str] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    local: dict[str, set[str]] = field(default_factory=dict)

    def kinds(self, name: str) -> set[str]:
        """Return the classes of what stands under a name; empty where that is not known."""
        found = (self.members if "." in name else self.local).get(name, set())
        return set() if UNKNOWN in found else found

    def remember(self, name: str, kind: str) -> None:
        """Note that a name was given an object of a class."""
        (self.members if "." in name else self.local).setdefault(name, set()).add(kind)

    def inside(self) -> _Scope:
        """Return the scope of a function in this one."""
        return _Scope(self.aliases, self.members, {k: set(v) for k, v in self.local.items()})


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` of a chain of names and attributes, or nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def scan(source: str, widgets: dict[str, str] | None = None) -> list[Violation]:
    """Return the names in a file's text that a Slicer 5.12 does not answer to.

    Looks at ``qt.X``, ``qt.X.Y``, ``slicer.util.f``, ``slicer.app.f``, ``from slicer… import f``,
    at members of what was made by ``qt.X(…)`` and kept under a name, and at ``ui.widget.member``
    where ``widgets`` gives the class of each widget of a ``.ui`` file.
    """
    tree = ast.parse(source)
    scope = _Scope()
    for node in ast.walk(tree):
        _learn(node, scope, members=True)
    found = set(_check(tree, scope, widgets or {}))
    return sorted(found, key=lambda violation: (violation.line, violation.name))


def _check(owner: ast.AST, scope: _Scope, widgets: dict[str, str]) -> Iterator[Violation]:
    """Check what stands in a file or a function, the functions in it with scopes of their own."""
    inner = []
    nodes = []
    waiting = list(ast.iter_child_nodes(owner))
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            inner.append(node)
            continue
        nodes.append(node)
        waiting += ast.iter_child_nodes(node)
    for node in nodes:
        _learn(node, scope, members=False)
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            yield from _check_import(node)
        elif isinstance(node, ast.Attribute):
            yield from _check_chain(node, scope, widgets)
    for function in inner:
        yield from _check(function, scope.inside(), widgets)


def _learn(node: ast.AST, scope: _Scope, *, members: bool) -> None:
    """Note aliases of modules, and of which class the object under a name is.

    ``members`` tells whether names with a point (``self.x``) or without are of interest.
    """
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.split(".")[0] in ROOTS and alias.asname:
                scope.aliases[alias.asname] = alias.name
    elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
        made = dotted(node.value.func) if isinstance(node.value, ast.Call) else ""
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            name = dotted(target)
            if name and ("." in name) == members:
                scope.remember(name, made if _is_class(made) else UNKNOWN)
    elif isinstance(node, ast.arg) or (
        isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and not members
    ):
        name = node.arg if isinstance(node, ast.arg) else node.id
        if not members and not scope.kinds(name):
            scope.remember(name, UNKNOWN)


def _is_class(made: str) -> bool:
    root, _, name = made.partition(".")
    return root in ROOTS and "." not in name and (class_names(root) or frozenset()) >= {name}


def _check_import(node: ast.ImportFrom) -> Iterator[Violation]:
    module = node.module or ""
    if node.level or module.split(".")[0] not in ROOTS:
        return
    for alias in node.names:
        if not _module_has(module, alias.name):
            yield Violation(node.lineno, f"{module}.{alias.name}")


def _module_has(module: str, name: str) -> bool:
    if module in ("qt", "ctk"):
        return name in (class_names(module) or ())
    if module == "slicer":
        return _slicer_has(name)
    listed = group_names(module)
    return listed is None or name in listed


def _slicer_has(name: str) -> bool:
    import slicer

    if name in SLICER_ATTRIBUTES or name in (class_names("slicer") or ()):
        return True
    return name.startswith("vtk") and hasattr(slicer, name)


def _check_chain(
    node: ast.Attribute, scope: _Scope, widgets: dict[str, str]
) -> Iterator[Violation]:
    chain = dotted(node)
    if chain:
        parts = chain.split(".")
        if parts[0] in scope.aliases:
            parts = [*scope.aliases[parts[0]].split("."), *parts[1:]]
        if parts[0] in ROOTS:
            yield from _check_root(node.lineno, parts)
            return
        kinds = scope.kinds(".".join(parts[:-1]))
        if len(kinds) == 1:
            yield from _check_member(node.lineno, next(iter(kinds)), parts[-1])
        if len(parts) >= 3 and parts[-3] in ("ui", "_ui") and parts[-2] in widgets:
            yield from _check_member(node.lineno, widgets[parts[-2]], parts[-1])
    elif isinstance(node.value, ast.Call):
        called = dotted(node.value.func)
        if called.endswith("layoutManager"):
            listed = group_names("layoutManager")
            if listed is not None and node.attr not in listed:
                yield Violation(node.lineno, f"layoutManager().{node.attr}")
        elif _is_class(called):
            yield from _check_member(node.lineno, called, node.attr)


def _check_root(line: int, parts: list[str]) -> Iterator[Violation]:
    root, name, *rest = [*parts, ""]
    if not name:
        return
    if root == "slicer":
        yield from _check_slicer(line, name, rest[0] if rest else "")
    elif name not in (class_names(root) or (name,)):
        yield Violation(line, f"{root}.{name}")
    elif rest and rest[0]:
        yield from _check_member(line, f"{root}.{name}", rest[0])


def _check_slicer(line: int, name: str, member: str) -> Iterator[Violation]:
    if not _slicer_has(name):
        yield Violation(line, f"slicer.{name}")
    if not member:
        return
    if name in ("app", "modules", *LISTED_MODULES):
        listed = group_names(f"slicer.{name}")
        own = OWN_MODULES if name == "modules" else UNLISTED
        if listed is not None and member not in listed and member not in own:
            yield Violation(line, f"slicer.{name}.{member}")
    elif name in (class_names("slicer") or ()):
        yield from _check_member(line, f"slicer.{name}", member)
    elif name.startswith("vtk"):
        import slicer

        if hasattr(slicer, name) and not hasattr(getattr(slicer, name), member):
            yield Violation(line, f"slicer.{name}.{member}")


def _check_member(line: int, kind: str, member: str) -> Iterator[Violation]:
    module, _, name = kind.partition(".")
    listed = object_names(module, name)
    if listed is not None and member not in listed:
        yield Violation(line, f"{kind}.{member}")


def widgets_of(ui_files: Iterable[Path]) -> dict[str, str]:
    """Return ``{name: "qt.QPushButton"}`` of the widgets of ``.ui`` files, if that is clear."""
    found: dict[str, str] = {}
    for path in ui_files:
        for item in ElementTree.parse(path).getroot().iter("widget"):
            kind = item.get("class", "")
            module = "ctk" if kind.startswith("ctk") else "qt" if kind.startswith("Q") else "slicer"
            name = item.get("name", "")
            found[name] = f"{module}.{kind}" if found.get(name, kind) == kind else ""
    return {name: kind for name, kind in found.items() if kind}
