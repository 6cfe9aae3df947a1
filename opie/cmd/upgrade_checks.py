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

"""The checks of ``opie-status upgrade check``.

Import this module only where nova may be imported.
"""

from nova import objects
import nova.conf
from oslo_upgradecheck import upgradecheck

from opie.cmd import scheduler_classes
from opie.conf import checks
from opie.nova_compat import check

# The releases of nova that opie is tested with, by their major versions.
OLDEST_RELEASE = 31
NEWEST_RELEASE = 34


class Checks(upgradecheck.UpgradeCommands):
    """The checks; one that finds nothing says nothing."""

    def _check_release(self):
        release = check.release()
        major = int(release.partition('.')[0])
        if major < OLDEST_RELEASE:
            return _failure(
                'nova %s is older than %d, the oldest release that opie works '
                'with.' % (release, OLDEST_RELEASE)
            )
        if major > NEWEST_RELEASE:
            return _warning(
                'nova %s is newer than %d, the newest release that this opie '
                'is tested with. Look for a newer opie.'
                % (release, NEWEST_RELEASE)
            )
        return _success()

    def _check_symbols(self):
        objects.register_all()
        try:
            details = ' '.join(check.differences())
        except FileNotFoundError as error:
            return _warning(
                '%s, so what it uses of nova cannot be checked.' % error
            )
        return _failure(details) if details else _success()

    def _check_classes(self):
        """Check which classes nova.conf names for the scheduler service."""
        conf = nova.conf.CONF
        try:
            classes = scheduler_classes.load(conf)
        except scheduler_classes.UnusableClass as error:
            return _failure(str(error))
        roles = scheduler_classes.DRIVER, scheduler_classes.HOST_MANAGER
        for role, cls in zip(roles, classes, strict=True):
            if not scheduler_classes.is_opies(role, cls):
                return _warning(
                    '[DEFAULT] %s = %s is none of opie, so nothing is '
                    'preempted. Leave the option out for %s.'
                    % (
                        role.option,
                        conf[role.option],
                        scheduler_classes.default(role),
                    )
                )
        return _success()

    def _check_options(self):
        try:
            checks.check(nova.conf.CONF)
        except checks.ConfigError as error:
            return _failure(str(error))
        return _success()

    _upgrade_checks = (
        ('Release of nova', _check_release),
        ('Symbols of nova', _check_symbols),
        ('Classes of the scheduler', _check_classes),
        ('Options that depend on one another', _check_options),
    )


def _success():
    return upgradecheck.Result(upgradecheck.Code.SUCCESS)


def _warning(details):
    return upgradecheck.Result(upgradecheck.Code.WARNING, details)


def _failure(details):
    return upgradecheck.Result(upgradecheck.Code.FAILURE, details)
