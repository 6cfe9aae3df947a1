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

"""Whom the operator protects: some projects, and whoever is on some hosts."""

import typing

import nova.conf
from oslo_log import log as logging
from oslo_utils import strutils

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

# In the metadata of a host aggregate.
AGGREGATE_KEY = 'opie:evict'

NEVER_EVICTED = 'is of a project in [opie] never_evicted_projects'
_BY_AGGREGATE = 'nobody may be evicted there: an aggregate says %s=false' % (
    AGGREGATE_KEY
)
_BY_DEFAULT = (
    'nobody may be evicted there: [opie] evict_by_default is off, and no '
    'aggregate says %s=true' % AGGREGATE_KEY
)


class Protection(typing.NamedTuple):
    """Who was protected when somebody asked.

    :ivar projects: ids of projects whose servers are no victims.
    :ivar closed: names of hosts where nobody is evicted.
    :ivar open: names of hosts where servers may be, by some aggregate.
    :ivar is_open_by_default: whether they may where no aggregate says so.
    """

    projects: frozenset = frozenset()
    closed: frozenset = frozenset()
    open: frozenset = frozenset()
    is_open_by_default: bool = True

    @classmethod
    def now(cls, host_manager):
        """Return the protection of this moment; it asks no database.

        :param host_manager: nova's, which is told when an aggregate changes.
        """
        by_word = {False: set(), True: set()}
        # A copy: other threads change it as aggregates change.
        for aggregate in list(host_manager.aggs_by_id.values()):
            if AGGREGATE_KEY in aggregate.metadata:
                by_word[_word_of(aggregate)].update(aggregate.hosts)
        return cls(
            frozenset(CONF.opie.never_evicted_projects),
            frozenset(by_word[False]),
            frozenset(by_word[True]),
            CONF.opie.evict_by_default,
        )

    def why_closed(self, host):
        """Return why nobody on a host may be evicted, or None.

        :param host: the name of its compute service.
        """
        if host in self.closed:
            return _BY_AGGREGATE
        if not self.is_open_by_default and host not in self.open:
            return _BY_DEFAULT
        return None


def _word_of(aggregate):
    value = aggregate.metadata[AGGREGATE_KEY]
    try:
        return strutils.bool_from_string(value, strict=True)
    except ValueError:
        LOG.warning(
            'The aggregate %(name)s says %(key)s=%(value)s, which is neither '
            'true nor false: nobody on its hosts is evicted.',
            {'name': aggregate.name, 'key': AGGREGATE_KEY, 'value': value},
        )
        return False


def why_never(server):
    """Return why a server is never evicted, or None.

    :param server: anything with a ``project_id``.
    """
    if server.project_id in CONF.opie.never_evicted_projects:
        return NEVER_EVICTED
    return None
