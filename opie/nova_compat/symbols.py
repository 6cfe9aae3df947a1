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

"""The symbols of nova that opie uses, except those of opie-sandbox.

Many of them are private names, which nova may change in any release.
``opie-status upgrade check`` and a unit test for each symbol check whether the
symbol is there and takes the arguments that opie gives it.
"""

from collections.abc import Iterator
import dataclasses

from opie.nova_compat import given
from opie.nova_compat import overrides
from opie.nova_compat import purposes
from opie.nova_compat import source

# These symbols are not checked.
_UNLISTED = (
    # Loading it would start the service.
    'nova.wsgi.osapi_compute.application',
    # It is not in every release; opie itself checks for it.
    'nova.monkey_patch',
    # It has another name before nova 34; opie itself checks for it.
    'nova.limit.placement.enforce_num_instances_and_resources',
    # The options that opie itself has registered.
    'nova.conf.CONF.category',
    'nova.conf.CONF.opie',
    'nova.conf.CONF.preemptible_',
    'nova.conf.CONF.scheduler_',
)


@dataclasses.dataclass(frozen=True)
class Symbol(source.Use):
    """What opie uses of nova in one way.

    :ivar purpose: what opie needs it for, as in "opie needs it to ...".
    :ivar override: dotted path of the method of opie's that nova calls in
        its place; None if there is none.
    """

    purpose: str = ''
    override: str | None = None


def symbols() -> list[Symbol]:
    """Return all symbols, each use once."""
    return [*_in_source(), *given_symbols(), *_overridden()]


def _in_source() -> Iterator[Symbol]:
    for use in source.uses():
        if not use.path.startswith(_UNLISTED):
            purpose = purposes.purpose_of(use.path)
            yield Symbol(use.path, use.arguments, purpose)


def given_symbols() -> Iterator[Symbol]:
    """Yield those that are kept by hand."""
    for purpose, owner, *members in given.GIVEN:
        for member in members:
            name, is_call, arguments = member.rstrip(')').partition('(')
            if is_call:
                names = tuple(filter(None, arguments.split(', ')))
                yield Symbol(owner + '.' + name, names, purpose)
            else:
                for name in member.split():
                    yield Symbol(owner + '.' + name, None, purpose)


def _overridden() -> Iterator[Symbol]:
    for purpose, owner, own, methods in overrides.OVERRIDDEN:
        for name in methods.split():
            yield Symbol(
                '%s.%s' % (owner, name),
                None,
                purpose,
                override='%s.%s' % (own, name),
            )
