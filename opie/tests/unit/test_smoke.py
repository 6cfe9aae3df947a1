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

"""CI runs a fixed number of functional tests on older releases of nova."""

import pathlib

import testtools

from opie import tests

_MARK = "@testcase.attr('smoke')"
_TESTS = 26


class TestSmoke(testtools.TestCase):
    def test_so_many_functional_tests_are_marked(self):
        home = pathlib.Path(tests.__file__).parent / 'functional'
        marked = sum(
            path.read_text().count(_MARK) for path in home.rglob('test_*.py')
        )
        self.assertEqual(_TESTS, marked)
