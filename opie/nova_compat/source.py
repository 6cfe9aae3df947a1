# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

"""Finds the symbols of nova that opie's source uses.

The source is that of the installed opie.  A use shows in imported names, in
names that those are assigned to, and in classes that inherit from nova's.  The
attributes of an argument show no use; given.py lists them by hand.
"""

import ast
import collections
from collections.abc import Iterable
from collections.abc import Iterator
import dataclasses
import functools
import pathlib

_HOME = pathlib.Path(__file__).parents[1]
# The packages that run beside an operator's nova.
_PACKAGES = ('api', 'cmd', 'conf', 'policy.py', 'scheduler')
# An alias of an alias is one more round.
_ROUNDS = 3


@dataclasses.dataclass(frozen=True)
class Use:
    """What opie uses of nova in one way.

    :ivar path: its dotted path.
    :ivar arguments: of the call, positional ones as the source has them,
        keywords with ``=`` at their end; None for what is not called, or is
        called with arguments that are not written out.
    """

    path: str
    arguments: tuple[str, ...] | None = None

    @property
    def shape(self) -> tuple[int, frozenset[str]] | None:
        """The number of positional arguments, and the keywords."""
        if self.arguments is None:
            return None
        keywords = {name for name in self.arguments if name.endswith('=')}
        return len(self.arguments) - len(keywords), frozenset(keywords)


@functools.cache
def uses() -> tuple[Use, ...]:
    """Return what opie uses of nova, each shape of a call once.

    :raises FileNotFoundError: if opie is installed without its source.
    """
    files = [file for package in _PACKAGES for file in _files(package)]
    if not files:
        raise FileNotFoundError('There is no source of opie in %s' % _HOME)
    return unique(use for file in files for use in of_text(file.read_text()))


def _files(package: str) -> list[pathlib.Path]:
    path = _HOME / package
    return [path] if path.is_file() else sorted(path.rglob('*.py'))


def unique(found: Iterable[Use]) -> tuple[Use, ...]:
    """Return the uses in order, each shape of a call once.

    Of calls of one shape the one with the shortest arguments stays.  What is
    called, or has an attribute that is used, is not listed by itself.
    """
    kept: dict = {}
    for use in found:
        key = use.path, use.shape
        if key not in kept or _length(use) < _length(kept[key]):
            kept[key] = use
    implied = {path for path, shape in kept if shape is not None}
    for path, _ in kept:
        implied.update(_owners(path))
    return tuple(
        sorted(
            (
                use
                for use in kept.values()
                if use.arguments is not None or use.path not in implied
            ),
            key=lambda use: (use.path, use.arguments or ()),
        )
    )


def _owners(path: str) -> Iterator[str]:
    while '.' in path:
        path = path.rpartition('.')[0]
        yield path


def _length(use: Use) -> int:
    return sum(map(len, use.arguments or ()))


def of_text(text: str) -> list[Use]:
    """Return what the source of a module uses of nova."""
    finder = _Finder()
    finder.visit(ast.parse(text))
    return finder.found


class _Finder(ast.NodeVisitor):
    """Finds the uses in one module."""

    def __init__(self) -> None:
        self.found: list[Use] = []
        # Name to dotted path, of the module and of the functions around.
        self._names: collections.ChainMap = collections.ChainMap()

    def visit_Module(self, node):
        for child in ast.walk(node):
            self._note_import(child)
        self._visit_scope(node, node.body)

    def visit_FunctionDef(self, node):
        self._visit_function(node)

    def visit_Lambda(self, node):
        self._visit_function(node)

    def _visit_function(self, node):
        arguments = (*node.args.posonlyargs, *node.args.args)
        self._names = self._names.new_child(
            dict.fromkeys(
                argument.arg
                for argument in (*arguments, *node.args.kwonlyargs)
            )
        )
        self._visit_scope(node, ast.walk(node))
        self._names = self._names.parents

    def _visit_scope(self, node, statements):
        aliases = [item for item in statements if isinstance(item, ast.Assign)]
        for _ in range(_ROUNDS):
            for alias in aliases:
                self._note_alias(alias)
        self.generic_visit(node)

    def _note_import(self, node):
        if isinstance(node, ast.Import):
            if any(_is_novas(alias.name) for alias in node.names):
                self._names['nova'] = 'nova'
        elif isinstance(node, ast.ImportFrom) and _is_novas(node.module):
            for alias in node.names:
                self._names[alias.asname or alias.name] = '%s.%s' % (
                    node.module,
                    alias.name,
                )

    def _note_alias(self, node):
        path = self._path(node.value)
        if path and isinstance(node.targets[0], ast.Name):
            self._names.setdefault(node.targets[0].id, path)

    def _path(self, node):
        """Return the dotted path of nova's that an expression names."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self._path(node.value)
            return owner and '%s.%s' % (owner, node.attr)
        return None

    def visit_Name(self, node):
        self._visit_reference(node)

    def visit_Attribute(self, node):
        self._visit_reference(node)

    def _visit_reference(self, node):
        path = self._path(node)
        if path is None:
            self.generic_visit(node)
        elif isinstance(node.ctx, ast.Load) or isinstance(node, ast.Attribute):
            self.found.append(_use(path))

    def visit_Call(self, node):
        path = self._path(node.func)
        if path is None:
            self.visit(node.func)
        else:
            self.found.append(_use(path, node))
        for argument in (*node.args, *node.keywords):
            self.visit(argument)

    def visit_ClassDef(self, node):
        base = next(filter(None, map(self._path, node.bases)), None)
        if base is not None:
            self.found += _inherited(base, node)
        self.generic_visit(node)


def _inherited(base, cls):
    """Yield what a class uses of the class of nova's that it extends."""
    own = _own_names(cls)
    for node in ast.walk(cls):
        called = node.func if isinstance(node, ast.Call) else None
        if _is_of_super(called):
            yield _use('%s.%s' % (base, called.attr), node, ('self',))
        elif _is_of_super(node) or (
            _is_of_self(node) and node.attr not in own
        ):
            yield _use('%s.%s' % (base, node.attr))


def _is_novas(module):
    return module is not None and module.partition('.')[0] == 'nova'


def _is_of_super(node):
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == 'super'
    )


def _is_of_self(node):
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == 'self'
    )


def _own_names(cls):
    """Return what a class defines, and what its methods set."""
    names = set()
    for node in ast.walk(cls):
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif _is_of_self(node) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


def _use(path, call=None, first=()):
    """Return the use of a path, which may go on behind what is nova's.

    Behind an attribute of a class is what another library brings, such as
    ``in_`` of a column.
    """
    names = path.split('.')
    for place, name in enumerate(names, 1):
        is_class = name[:1].isupper() and not name.isupper()
        if is_class and place + 1 < len(names):
            return Use('.'.join(names[: place + 1]))
    return Use(path, _arguments(call, first))


def _arguments(call, first):
    if call is None:
        return None
    if any(isinstance(node, ast.Starred) for node in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    ):
        return None
    return (
        *first,
        *map(ast.unparse, call.args),
        *(keyword.arg + '=' for keyword in call.keywords),
    )
