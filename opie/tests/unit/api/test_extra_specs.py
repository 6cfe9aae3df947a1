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

"""nova's API refuses a flavor's mark that opie would misread."""

import hypothesis
from hypothesis import strategies as st
from nova import exception
from nova.api.validation.extra_specs import validators
from oslo_utils import strutils
import testtools

from opie.api import extra_specs
from opie.preemption import marks
from opie.tests.unit.preemption import builders

_BOOLEANS = strutils.TRUE_STRINGS + strutils.FALSE_STRINGS


def _is_accepted(value):
    (validator,) = extra_specs.register()
    try:
        validator.validate(marks.FLAVOR_EXTRA_SPEC, value)
    except exception.ValidationError:
        return False
    return True


@st.composite
def _nearly_booleans(draw):
    """Return a boolean's text in odd capitals, between odd characters."""
    word = draw(st.sampled_from(_BOOLEANS))
    letters = [draw(st.sampled_from((x, x.upper()))) for x in word]
    around = st.text(max_size=2) | st.sampled_from(
        (' ', '\t\n', '\x1c', '\u3000')
    )
    return draw(around) + ''.join(letters) + draw(around)


@builders.scenarios(
    {
        'true': ('true', True),
        'True with a capital': ('True', True),
        'yes between white space': (' yes\n', True),
        'false': ('false', True),
        'the digit 0': ('0', True),
        'the number 1': (1, True),
        'no text': ('', False),
        'white space only': (' ', False),
        'a misspelling': ('ture', False),
        'two booleans': ('true,true', False),
        'the digit 2': ('2', False),
        'the number 1.0': (1.0, False),
    }
)
class AcceptedValueTest(testtools.TestCase):
    def check(self, value, expected):
        self.assertIs(expected, _is_accepted(value))


class SameReadingTest(testtools.TestCase):
    """opie reads each value that passes the validator as nova does."""

    # The first text takes seconds on a busy machine, because hypothesis makes
    # its table of characters for it.
    @hypothesis.settings(
        deadline=None,
        suppress_health_check=(hypothesis.HealthCheck.too_slow,),
    )
    @hypothesis.given(st.text(max_size=6) | _nearly_booleans())
    def test_a_text(self, text):
        if _is_accepted(text):
            self.assertIs(
                strutils.bool_from_string(text, strict=True),
                marks.is_true(text),
            )
        else:
            self.assertIs(False, marks.is_true(text))

    def test_nova_and_opie_know_the_same_texts(self):
        self.assertEqual(marks.TRUE_TEXTS, set(strutils.TRUE_STRINGS))
        for text in _BOOLEANS:
            self.assertIs(True, _is_accepted(text))


class RegistryTest(testtools.TestCase):
    """nova finds the validator through the entry points."""

    def test_the_validator_is_registered(self):
        (validator,) = extra_specs.register()
        self.assertIs(validator, validators.VALIDATORS[validator.name])

    def test_a_misspelt_key_is_refused(self):
        for key in (
            'opie:preemptable',
            'opie:preemptible ',
            'opie:Preemptible',
            'opie:preemptible:x',
            'opie:',
        ):
            self.assertRaises(
                exception.ValidationError, validators.validate, key, 'true'
            )

    def test_keys_of_others_are_none_of_opies_business(self):
        for key in ('preemptible', 'opie', 'opies:preemptible', 'my:opie:x'):
            validators.validate(key, 'anything')
