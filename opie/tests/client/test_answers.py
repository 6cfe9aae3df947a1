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
"""How opie's plug-in reads the answers that a user's commands get."""

import requests
import testtools

from opie.client import answers


class AnswersTest(testtools.TestCase):
    def test_one_command_listens_at_a_time(self):
        with requests.Session() as session:
            session.hooks['response'].append(print)
            for _ in range(3):
                last = answers.Answers(session)
            self.assertEqual(2, len(session.hooks['response']))
            last.close()
            last.close()
            self.assertEqual([print], session.hooks['response'])
