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


"""Which marks make a server preemptible."""

import testtools

from opie.preemption import marks
from opie.tests.unit.preemption import builders


@builders.scenarios(
    {
        'a JSON true as nova keeps it': (['True'], True),
        'a JSON true before nova keeps it': ([True], True),
        'a text given with the command line client': ('true', True),
        'a bare yes': ('yes', True),
        'a bare JSON true': (True, True),
        'a hint given twice with yes': (['true', '1'], True),
        'a tuple counts as a list': (('true',), True),
        'a hint given twice with yes and no': (['true', 'false'], False),
        'no and yes': (['false', 'true'], False),
        'a list of no': (['False'], False),
        'an empty list': ([], False),
        'an empty tuple': ((), False),
        'no hint': (None, False),
        'a list of nothing': ([None], False),
        'an empty text': ('', False),
        'a bare no': ('no', False),
        'a bare JSON false': (False, False),
        'a list in a list is no text': ([['true']], False),
    }
)
class HintIsTrueTest(testtools.TestCase):
    def check(self, value, expected):
        self.assertIs(expected, marks.hint_is_true(value))


@builders.scenarios(
    {
        'true': ('true', True),
        'True with a capital': ('True', True),
        'all capitals': ('TRUE', True),
        'white space around it': (' true\n', True),
        'one letter t': ('t', True),
        'one letter y': ('Y', True),
        'yes': ('yes', True),
        'on': ('on', True),
        'the digit 1': ('1', True),
        'the number 1': (1, True),
        'a boolean': (True, True),
        'false': ('false', False),
        'off': ('off', False),
        'the digit 0': ('0', False),
        'the digit 2': ('2', False),
        'nothing': (None, False),
        'no text': ('', False),
        'white space only': (' ', False),
        'true with something behind it': ('true!', False),
        'something else': ('preemptible', False),
    }
)
class IsTrueTest(testtools.TestCase):
    def check(self, value, expected):
        self.assertIs(expected, marks.is_true(value))


@builders.scenarios(
    {
        'a hint': ({'hints': {'preemptible': ['true']}}, True),
        'an extra spec': ({'extra_specs': {'opie:preemptible': 'yes'}}, True),
        'system metadata': ({'system_metadata': {'preemptible': '1'}}, True),
        'one mark among others that say no': (
            {
                'hints': {'preemptible': ['false']},
                'extra_specs': {'opie:preemptible': 'true'},
                'system_metadata': {'preemptible': 'false'},
            },
            True,
        ),
        'marks that say no': (
            {
                'hints': {'preemptible': []},
                'extra_specs': {'opie:preemptible': 'false'},
            },
            False,
        ),
        'the name of one place in another': (
            {
                'hints': {'opie:preemptible': 'true'},
                'extra_specs': {'preemptible': 'true'},
            },
            False,
        ),
        'places that are empty': (
            {'hints': {}, 'extra_specs': None, 'system_metadata': {}},
            False,
        ),
        'no place that is known': ({}, False),
    }
)
class IsMarkedTest(testtools.TestCase):
    def check(self, places, expected):
        self.assertIs(expected, marks.is_marked(**places))


class NamesTest(testtools.TestCase):
    def test_users_and_operators_know_these_names(self):
        self.assertEqual('preemptible', marks.HINT)
        self.assertEqual('opie:preemptible', marks.FLAVOR_EXTRA_SPEC)
        self.assertEqual('preemptible', marks.SYSTEM_METADATA_KEY)
