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

"""nova's own functional tests, with opie's classes in place of nova's.

The tests are those of the installed nova.  ``python -m opie.tests.nova_suite``
runs them with opie's classes, and with ``--whole`` with nova's classes too.
It prints the differences, and in how many tests the classes chose hosts.
"""

# The runner tells the processes that stestr starts: whose classes to use, in
# which directory to note the class that was asked for a host, and whether to
# run all tests.
CLASSES = 'OPIE_NOVA_SUITE_CLASSES'
RECORD = 'OPIE_NOVA_SUITE_RECORD'
IS_WHOLE = 'OPIE_NOVA_SUITE_WHOLE'
