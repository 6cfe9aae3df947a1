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


"""Lets a test act as another project, or as another user of its own."""

import contextlib

from nova.tests.functional.api import client

_OTHER_PROJECT = '0123456789abcdef0123456789abcdef'


class ProjectsMixin:
    """For a :class:`base.CloudTestCase`."""

    @contextlib.contextmanager
    def another_project(self):
        with self._acting_as(self.api.auth_user, _OTHER_PROJECT):
            yield

    @contextlib.contextmanager
    def another_user(self):
        with self._acting_as('another', self.api.project_id):
            yield

    @contextlib.contextmanager
    def _acting_as(self, user, project_id):
        mine = self.api
        self.api = client.TestOpenStackClient(
            user,
            mine.base_url,
            project_id=project_id,
            roles=['reader', 'member', 'admin'],
        )
        self.api.microversion = mine.microversion
        try:
            yield
        finally:
            self.api = mine
