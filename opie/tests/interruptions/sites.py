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

"""Finds the I/O calls in the source of opie/scheduler.

I/O calls are methods of placement's client, queries of a session, methods that
a class has from nova, and all of nova's functions that are not known to stay
within the process.  A test compares them with the calls that the scenarios
make, and so finds a call that no scenario comes to.
"""

import ast
import pathlib

import opie.scheduler
from opie.scheduler.placement import client as placement

_FOLDER = pathlib.Path(opie.scheduler.__file__).parent
_OF_PLACEMENT = frozenset(
    name for name in vars(placement.Client) if not name.startswith('_')
)
# Functions of nova's without I/O of their own.
_PURE = frozenset(
    (
        'compute_api.API',
        'exception.TooManyInstances',
        'limit_utils.use_unified_limits',
        'nova_context.get_admin_context',
        'nova_context.is_cell_failure_sentinel',
        # The functions that it calls make the I/O.
        'nova_context.scatter_gather_cells',
        'nova_context.target_cell',
        'objects.Flavor.obj_from_primitive',
        'objects.Instance',
        'objects.RequestSpec',
        'objects.Selection.from_host_state',
        'scheduler_utils.get_weight_multiplier',
    )
)
# Names through which opie calls nova's code without naming nova.
_OF_NOVA = frozenset(
    (
        'own',
        'self._compute_api',
        'self._compute_rpc',
        'self._report_client',
        'self.notifier',
        'super()',
    )
)
_OF_OBJECTS = frozenset(('create', 'destroy', 'obj_load_attr', 'save'))
# Wherever the query comes from.
_OF_QUERIES = ('.all', '.first')
QUERY = 'session.query'


class Sites:
    """The I/O calls of opie/scheduler.

    Each has a name, such as ``eviction.Eviction._send: compute_api.delete``.
    """

    def __init__(self):
        self.names = set()
        self._ends = {}
        for path in _FOLDER.rglob('*.py'):
            if path.stem != 'client':
                _Finder(self, path).visit(ast.parse(path.read_text()))

    def add(self, function, called, node):
        name = '%s: %s' % (function, called)
        self.names.add(name)
        self._ends[function, node.end_lineno, node.end_col_offset] = name

    def name_of(self, function, line, column):
        """Return the name of a site that was come to, None if not found.

        A query is sent where its rows are read, anywhere in a function.
        """
        query = '%s: %s' % (function, QUERY)
        if query in self.names:
            return query
        return self._ends.get((function, line, column))


class _Finder(ast.NodeVisitor):
    def __init__(self, sites, path):
        self._sites = sites
        self._scope = [path.stem]
        self._of_nova = set()
        self._is_in_function = False

    def visit_ImportFrom(self, node):
        if node.module and node.module.split('.')[0] == 'nova':
            self._of_nova |= {
                alias.asname or alias.name for alias in node.names
            }

    def visit_ClassDef(self, node):
        self._scope.append(node.name)
        self.generic_visit(node)
        self._scope.pop()

    def visit_FunctionDef(self, node):
        if self._is_in_function:
            # An inner function counts as part of the outer one.
            self.generic_visit(node)
            return
        self._is_in_function = True
        self._scope.append(node.name)
        for child in node.body:
            self.visit(child)
        self._scope.pop()
        self._is_in_function = False

    def visit_Call(self, node):
        called = self._called(node.func)
        if called and self._is_in_function:
            self._sites.add('.'.join(self._scope), called, node)
        self.generic_visit(node)

    def _called(self, func):
        """Return what is called if it makes I/O, else None."""
        text = ast.unparse(func)
        if text.endswith(('.' + QUERY, *_OF_QUERIES)):
            return QUERY
        if text in _PURE:
            return None
        if text.split('.')[0] in self._of_nova:
            return text
        if not isinstance(func, ast.Attribute):
            return None
        is_io = func.attr in _OF_PLACEMENT | _OF_OBJECTS or (
            ast.unparse(func.value) in _OF_NOVA and func.attr != '__init__'
        )
        return text if is_io else None
