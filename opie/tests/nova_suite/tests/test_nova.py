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

"""Finds the tests of nova, for unittest's discovery."""

import os

from opie.tests import nova_suite
from opie.tests.nova_suite import selection


def load_tests(loader, standard_tests, pattern):
    """Return what there is to run; see unittest's load_tests protocol."""
    return loader.loadTestsFromNames(
        selection.names(nova_suite.IS_WHOLE in os.environ)
    )
