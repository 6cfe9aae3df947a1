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


"""The two classes of the scheduler service: found, checked, put in place.

Each option names a class by dotted path or by entry point.  The class must be
a subclass of nova's, because nova builds it and calls its methods.  opie's
driver needs opie's host manager, because no other one knows which servers are
preemptible.

Import this module only when nova.conf has been parsed.
"""

import dataclasses
import importlib
import sys

from nova import service as nova_service
from nova.scheduler import host_manager as nova_host_manager
from nova.scheduler import manager as nova_manager
from stevedore import named

from opie.conf import scheduler as options


class UnusableClass(Exception):
    """An option names a class that the service cannot run."""


@dataclasses.dataclass(frozen=True)
class Role:
    """What an option of [DEFAULT] asks of the class that it names."""

    option: str
    namespace: str
    base: type


DRIVER = Role(
    'scheduler_driver',
    'nova.scheduler.driver',
    nova_manager.SchedulerManager,
)
# The base is nova's own class, also after ``install`` has replaced the name.
HOST_MANAGER = Role(
    'scheduler_host_manager',
    'nova.scheduler.host_manager',
    nova_host_manager.HostManager,
)

_DEFAULTS = {option.name: option.default for option in options.ALL_OPTS}


def load(conf):
    """Return the driver and the host manager that the options name.

    :param conf: nova's CONF, parsed, with opie's options registered
    :returns: two classes
    :raises: UnusableClass, whose text is one line for the operator
    """
    driver = _load_role(conf, DRIVER)
    host_manager = _load_role(conf, HOST_MANAGER)
    _check_pair(conf, driver, host_manager)
    return driver, host_manager


def install(driver, host_manager):
    """Make nova's scheduler service of this process build these classes."""
    nova_service.SERVICE_MANAGERS['nova-scheduler'] = _path_of(driver)
    # NOTE: nova/scheduler/manager.py builds the host manager by this name.
    nova_host_manager.HostManager = host_manager


def is_opies(role, cls):
    """Tell whether a class is, or inherits, opie's own for a role."""
    return _is_a(cls, default(role))


def default(role):
    """Return the dotted path of opie's own class for a role."""
    return _DEFAULTS[role.option]


def _load_role(conf, role):
    name = conf[role.option].strip()
    try:
        loaded = _load(name, role.namespace)
    # A module may raise any error when it is imported; the operator reads
    # one line.
    except Exception as error:
        reason = _reason(error)
        raise _unusable(role, name, _path_of(role.base), reason) from error
    if loaded is None:
        reason = 'it is neither an entry point nor a dotted path'
        raise _unusable(role, name, _path_of(role.base), reason)
    if not isinstance(loaded, type) or not issubclass(loaded, role.base):
        reason = f'it is no subclass of {_path_of(role.base)}'
        raise _unusable(role, name, _path_of(role.base), reason)
    return loaded


def _load(name, namespace):
    """Return what an entry point, or else a dotted path, names, or None."""
    found = named.NamedExtensionManager(
        namespace,
        [name],
        on_load_failure_callback=_raise,
        # Without this stevedore warns about every dotted path.
        on_missing_entrypoints_callback=lambda names: None,
    )
    if found.extensions:
        return found[name].plugin
    module_name, _dot, attribute = name.rpartition('.')
    if not module_name:
        return None
    return getattr(importlib.import_module(module_name), attribute)


def _raise(manager, entry_point, error):
    raise error


def _check_pair(conf, driver, host_manager):
    """Refuse opie's driver, or a subclass, with a host manager not opie's."""
    if is_opies(DRIVER, driver) and not is_opies(HOST_MANAGER, host_manager):
        needed = default(HOST_MANAGER)
        name = conf[HOST_MANAGER.option].strip()
        reason = f'{DRIVER.option} {_path_of(driver)} needs {needed}'
        raise _unusable(HOST_MANAGER, name, needed, reason)


def _is_a(cls, path):
    """Tell whether a class is, or inherits, the one of that dotted path."""
    return path in map(_path_of, cls.__mro__)


def _unusable(role, name, wanted, reason):
    remedy = (
        f'Name a subclass of {wanted} that {sys.executable} can '
        f'import, by dotted path or by entry point in {role.namespace}'
    )
    if name != default(role):
        remedy += f', or leave the option out for {default(role)}'
    return UnusableClass(
        f'[DEFAULT] {role.option} = {name!r} cannot be used: {reason}. '
        f'{remedy}.'
    )


def _reason(error):
    text = ' '.join(str(error).split())
    return f'loading it raised {type(error).__name__}: {text}'.rstrip('.')


def _path_of(cls):
    return f'{cls.__module__}.{cls.__qualname__}'
