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

"""Collects garbage less often in tests of whole clouds.

The services of a cloud in one process make and drop objects by the hundred
thousand, and Python searches the living ones for cycles all the time.  This
took a twelfth of the CPU of such a test.
"""

import gc


def collect_seldom():
    """Collect garbage every 10,000 new objects instead of every 700."""
    gc.set_threshold(10_000, 50)
