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

"""The option that named the weighers before nova 15."""

import nova.conf
from oslo_config import cfg
from oslo_log import log as logging

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)


def honour_weight_classes() -> None:
    """Let [DEFAULT] scheduler_weight_classes stand in for nova's option."""
    historic = CONF.scheduler_weight_classes
    if not historic or historic == CONF.filter_scheduler.weight_classes:
        return
    if _is_set('weight_classes', 'filter_scheduler'):
        LOG.warning(
            '[DEFAULT] scheduler_weight_classes is ignored because '
            '[filter_scheduler] weight_classes is set. Remove the former.'
        )
        return
    LOG.warning(
        '[DEFAULT] scheduler_weight_classes still works with opie; nova has '
        'its place in [filter_scheduler] weight_classes. Move it there.'
    )
    CONF.set_override('weight_classes', historic, 'filter_scheduler')


def _is_set(name: str, group: str) -> bool:
    return CONF.get_location(name, group).location not in (
        cfg.Locations.opt_default,
        cfg.Locations.set_default,
    )
