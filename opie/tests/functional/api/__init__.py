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
"""Tests of nova's API with opie's filter or with opie's patches.

The same tests run on nova with opie's filter and on a copy of nova with the
patches of extras/ applied: OPIE_TEST_API chooses, ``filter`` or ``patched``.
"""

import logging

# NOTE: chooses nova's threading model, and must come before anything that
# imports eventlet (nova/monkey_patch.py).
import nova.tests.functional.integrated_helpers  # noqa: F401

# The log lines of every shutdown would hide the results.
logging.getLogger('nova.thread_pool_factory').setLevel(logging.WARNING)
