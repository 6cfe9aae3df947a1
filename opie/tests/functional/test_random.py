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

"""A randomised run of many acts in any order, after which nothing is lost.

One cloud serves the whole run, because starting a cloud takes longer than many
acts.
"""

import os
import random
import sys

import hypothesis
from hypothesis import stateful
from testtools import content

from opie.tests.functional import crowd
from opie.tests.functional import machine

SEED_VARIABLE = 'OPIE_TEST_SEED'
STEPS_VARIABLE = 'OPIE_TEST_STEPS'
_STEPS_PER_EXAMPLE = 50
# With this seed a scheduler died eight times, and victims were evicted.
_SEED_OF_A_SHORT_RUN = 4219466551


class RandomTest(crowd.CrowdedCase):
    """A short run, the same each time, unless OPIE_TEST_STEPS is set."""

    failure = None

    def test_nothing_is_lost(self):
        steps = int(os.environ.get(STEPS_VARIABLE) or 0)
        seed = int(
            os.environ.get(SEED_VARIABLE)
            or (random.getrandbits(32) if steps else _SEED_OF_A_SHORT_RUN)
        )
        examples = -(-steps // _STEPS_PER_EXAMPLE) or 1
        self.addDetail('seed', content.text_content(str(seed)))
        try:
            self._run(seed, examples)
        except Exception as exc:
            # hypothesis wraps what it cannot do again.
            raise (self.failure or exc) from None
        finally:
            self.addDetail('done', content.text_content('\n'.join(self.done)))
            print(
                '%s=%d: %s' % (SEED_VARIABLE, seed, dict(self.counts)),
                file=sys.__stderr__,
            )
        self._assert_enough(examples)

    def _assert_enough(self, examples):
        """Assert that it was not all of it left out."""
        self.assertLessEqual(
            examples * _STEPS_PER_EXAMPLE, self.counts['steps']
        )
        for what in (
            'preemptions',
            'evictions',
            'evictions with a GPU',
            'crashes',
            'hangs',
        ):
            self.assertTrue(self.counts[what], what)

    def _run(self, seed, examples):
        seeded = type('Seeded', (machine.Machine,), {'cloud': self})
        stateful.run_state_machine_as_test(
            hypothesis.seed(seed)(seeded),
            settings=hypothesis.settings(
                max_examples=examples,
                stateful_step_count=_STEPS_PER_EXAMPLE,
                phases=(hypothesis.Phase.generate,),
                suppress_health_check=tuple(hypothesis.HealthCheck),
                deadline=None,
                database=None,
                derandomize=False,
            ),
            _min_steps=_STEPS_PER_EXAMPLE,
        )
