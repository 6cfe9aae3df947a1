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

"""A file of nova's api-paste.ini with opie's filter, for a test."""

import os
import pathlib

import fixtures

from opie.sandbox import paste


class PasteFixture(fixtures.Fixture):
    """A copy of nova's api-paste.ini with opie's filter in it.

    :ivar path: where.
    """

    def _setUp(self):
        home = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(home, 'api-paste.ini')
        pathlib.Path(self.path).write_text(paste.with_filter(paste.of_nova()))
