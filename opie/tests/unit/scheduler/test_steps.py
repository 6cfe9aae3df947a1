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

"""The steps that are marked in opie/scheduler are those of the page."""

import pathlib
import pkgutil
import re
import unittest

from nova import objects

import opie.scheduler
from opie.scheduler import steps

_PAGE = pathlib.Path(opie.__file__).parents[1] / 'doc/source/protocol.rst'
_HEADER = '   * - The scheduler dies while it\n'


def steps_of_the_page():
    """Return the first column of the table, without its header."""
    _, table = _PAGE.read_text().split(_HEADER)
    rows = table.partition('\n\n')[0]
    return re.findall(r'^   \* - (.*)$', rows, re.MULTILINE)


class StepsTest(unittest.TestCase):
    def test_each_row_is_a_step_and_each_step_has_a_row(self):
        objects.register_all()
        for module in pkgutil.walk_packages(
            opie.scheduler.__path__, 'opie.scheduler.'
        ):
            pkgutil.resolve_name(module.name)
        rows = steps_of_the_page()
        self.assertEqual(sorted(set(steps.STEPS.values())), sorted(rows))

    def test_a_mark_leaves_its_function_as_it_is(self):
        def function():
            """Do nothing."""

        code = function.__code__
        self.addCleanup(steps.STEPS.pop, code)
        self.assertIs(function, steps.step('rests')(function))
        self.assertIs(code, function.__code__)
        self.assertEqual({}, vars(function))
