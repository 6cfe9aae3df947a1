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

"""The [opie] options of nova-api.

All of them may change while nova-api runs.
"""

from oslo_config import cfg

ALWAYS_SHOWN = cfg.BoolOpt(
    'always_show_preemptible',
    default=False,
    mutable=True,
    help="""
Whether every answer about a server tells if the server is preemptible.

With opie's filter of nova's API, or a patched nova, answers have the member
``preemptible`` where the request names ``opie 1.0`` in its header
``OpenStack-API-Version``. Clients that accept only the members that they know
are not disturbed by it then.

Possible values:

* False: The member is in answers to requests that ask for it.
* True: The member is in all answers about servers, as in opie's first
  releases. Strict clients, such as Tempest, fail. The legacy v2 API, which
  takes no version, has the member only with this.
""",
)

ALL_OPTS = [ALWAYS_SHOWN]


def register_opts(conf, group):
    conf.register_opts(ALL_OPTS, group=group)
