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

"""What opie's code uses of nova, as far as the code shows it.

Names that were imported, what they were assigned to, and what classes inherit
from nova's show it.  The attributes of an argument do not.
"""

import ast
import pathlib

import opie

_HOME = pathlib.Path(opie.__file__).parent
# What runs beside an operator's nova.
_PACKAGES = ('api', 'cmd', 'conf', 'policy.py', 'scheduler')
# An alias of an alias is one more round.
_ROUNDS = 3


def find():
    """Return (dotted path, shape of the call or None) to file names.

    A shape is (number of positional arguments, set of keywords).
    """
    uses = {}
    for package in _PACKAGES:
        path = _HOME / package
        for file in [path] if path.is_file() else sorted(path.rglob('*.py')):
            for use in _Module(file).uses():
                uses.setdefault(use, []).append(str(file.relative_to(_HOME)))
    return uses


class _Module:
    """One file."""

    def __init__(self, path):
        self._tree = ast.parse(path.read_text())
        self._names = {}
        for node in ast.walk(self._tree):
            self._note_import(node)
        for _ in range(_ROUNDS):
            for node in ast.walk(self._tree):
                self._note_alias(node)

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
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
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

    def uses(self):
        """Yield what :func:`find` returns the keys of."""
        parts = set()
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                path = self._path(node.func)
                if path:
                    parts.add(node.func)
                    yield path, _shape(node)
            if isinstance(node, ast.Attribute):
                parts.add(node.value)
            if isinstance(node, ast.ClassDef):
                yield from self._inherited(node)
        for node in ast.walk(self._tree):
            path = None if node in parts else self._path(node)
            if path:
                yield path, None

    def _inherited(self, cls):
        """Yield what a class uses of the class of nova's that it extends."""
        bases = list(filter(None, map(self._path, cls.bases)))
        if not bases:
            return
        own = _own_names(cls)
        for node in ast.walk(cls):
            if not isinstance(node, ast.Attribute):
                continue
            is_super = (
                isinstance(node.value, ast.Call)
                and isinstance(node.value.func, ast.Name)
                and node.value.func.id == 'super'
            )
            is_self = (
                isinstance(node.value, ast.Name) and node.value.id == 'self'
            )
            if is_super or (is_self and node.attr not in own):
                yield '%s.%s' % (bases[0], node.attr), None


def _is_novas(module):
    return module.partition('.')[0] == 'nova'


def _own_names(cls):
    """Return what a class defines, and what its methods set."""
    names = set()
    for node in ast.walk(cls):
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Attribute | ast.Name) and isinstance(
            node.ctx, ast.Store
        ):
            names.add(getattr(node, 'attr', None) or node.id)
    return names


def _shape(call):
    keywords = {keyword.arg for keyword in call.keywords}
    return len(call.args), frozenset(keywords)
