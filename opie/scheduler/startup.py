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

"""What a scheduler checks, and what it logs, when it starts."""

import typing

import nova.conf
from nova.scheduler import manager as managers
from oslo_log import log as logging

from opie.conf import checks
from opie.scheduler import host_manager

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)


def check_options() -> None:
    """Check options that depend on one another, and warn of some.

    :raises checks.ConfigError: with one line that says what to change.
    """
    checks.check(CONF)
    for warning in checks.warnings(CONF):
        LOG.warning(warning)


def check_host_manager(manager: managers.SchedulerManager) -> None:
    """Check that a scheduler has opie's HostManager.

    :raises checks.ConfigError: if it has another one.
    """
    if not isinstance(manager.host_manager, host_manager.HostManager):
        raise checks.ConfigError(
            '[DEFAULT] scheduler_host_manager must be '
            'opie.scheduler.host_manager.HostManager or a subclass of it, '
            'and the service must be started by opie-nova-scheduler or by '
            "a patched nova's own nova-scheduler."
        )


def announce(manager: managers.SchedulerManager) -> None:
    """Log whether a scheduler preempts, and with which classes."""
    LOG.info(
        'Preemption is %(mode)s: %(driver)s with %(host_manager)s.',
        {
            'mode': _mode(),
            'driver': _dotted_path(manager),
            'host_manager': _dotted_path(manager.host_manager),
        },
    )


def _mode() -> str:
    if not CONF.opie.enabled:
        return 'off'
    return 'on, as a dry run' if CONF.opie.dry_run else 'on'


def _dotted_path(instance: typing.Any) -> str:
    return '%s.%s' % (type(instance).__module__, type(instance).__qualname__)
