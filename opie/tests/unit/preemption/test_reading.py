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

"""A reader who follows the planner does not get lost between files.

Reading begins at the first line of make_plan.  A function or class of the core
is read once and whole, where its name is met first: the reader goes to its
file, and returns after it.  What has no function of its own is data, and so
are the values that the planner is given and gives back: their names say all
that is needed.
"""

import ast
import collections
import pathlib
import re

import testtools

import opie.preemption

_CORE = pathlib.Path(opie.preemption.__file__).parent
_VALUES = {'amounts', 'efforts', 'errors', 'live_cloud', 'model', 'rows'}
MOST_STAYS = 3


class _Reader:
    """Reads the core.

    :ivar stays: the files read, in order, one for each stay.
    """

    def __init__(self):
        self._trees = {
            path.stem: ast.parse(path.read_text())
            for path in _CORE.glob('*.py')
            if path.stem not in _VALUES
        }
        self._read = set()
        self.stays = []

    def follow(self, module, name):
        definition = self._definition(module, name)
        if (module, name) in self._read or not _is_to_be_read(definition):
            return
        self._read.add((module, name))
        self._be_in(module)
        for other, met in _names(definition):
            if other is None or other in self._imports(module):
                self.follow(other or module, met)
                self._be_in(module)

    def _be_in(self, module):
        if self.stays[-1:] != [module]:
            self.stays.append(module)

    def _definition(self, module, name):
        for node in self._trees[module].body:
            if getattr(node, 'name', None) == name:
                return node
        return None

    def _imports(self, module):
        return {
            alias.name
            for node in self._trees[module].body
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if alias.name in self._trees
        }


def _is_to_be_read(definition):
    return isinstance(definition, ast.FunctionDef) or (
        isinstance(definition, ast.ClassDef)
        and any(isinstance(node, ast.FunctionDef) for node in definition.body)
    )


def _names(node, own=frozenset()):
    """Yield (module or None, name) as they stand in the text.

    Annotations are left out, and so is what has the name of a parameter.
    """
    if isinstance(node, (ast.FunctionDef, ast.Lambda)):
        its = node.args
        own = own | {
            argument.arg
            for argument in (*its.posonlyargs, *its.args, *its.kwonlyargs)
        }
        body = node.body if isinstance(node.body, list) else [node.body]
    elif isinstance(node, ast.AnnAssign):
        body = [node.value] if node.value else []
    else:
        body = ast.iter_child_nodes(node)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id not in own:
            yield node.value.id, node.attr
    elif isinstance(node, ast.Name) and node.id not in own:
        yield None, node.id
    else:
        for child in body:
            yield from _names(child, own)


class ReadingTest(testtools.TestCase):
    def test_no_file_is_entered_more_than_three_times(self):
        reader = _Reader()
        reader.follow('planner', 'make_plan')
        stays = collections.Counter(reader.stays)
        self.assertIn('cover', stays)
        self.assertEqual(
            {},
            {
                module: number
                for module, number in stays.items()
                if number > MOST_STAYS
            },
            ' > '.join(reader.stays),
        )

    def test_the_drawing_shows_which_file_uses_which(self):
        drawn, above, outermost = set(), [], []
        for depth, name in _drawing():
            above[depth:] = [name]
            drawn.add(name)
            if depth == 0:
                outermost.append(name)
            else:
                text = (_CORE / ('%s.py' % above[-2])).read_text()
                self.assertIn('import %s\n' % name, text)
        self.assertEqual(['planner'], outermost)
        files = {path.stem for path in _CORE.glob('*.py')}
        self.assertEqual(files - _VALUES - {'__init__', 'marks'}, drawn)


def _drawing():
    """Yield (depth, file) as the package's docstring draws them."""
    for line in opie.preemption.__doc__.splitlines():
        match = re.fullmatch('    ((?:  )*)([a-z_]+)  +.*', line)
        if match:
            yield len(match[1]) // 2, match[2]
