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

"""Amounts on a whole tree of providers, as if its root had all of them.

A row is a resource class of one provider.  Of the root it has the name of the
class, as ``VCPU``; of another provider the uuid stands behind that, as
``VGPU@<uuid>``.  So what a host has, what its servers hold and what a
preemptor takes are plain amounts, whether the host has one provider or many.
"""

from collections.abc import Mapping
import typing

_SEPARATOR = '@'


def of(root: str, provider: str, resource_class: str) -> str:
    """Return the row of a class on a provider.

    :param root: the uuid of the root of its tree.
    """
    if provider == root:
        return resource_class
    return resource_class + _SEPARATOR + provider


def split(root: str, row: str) -> tuple[str, str]:
    """Return (provider, resource class) of a row."""
    resource_class, _, provider = row.partition(_SEPARATOR)
    return provider or root, resource_class


def from_allocations(
    root: str, allocations: Mapping[str, Mapping[str, typing.Any]]
) -> dict[str, typing.Any]:
    """Return rows of what there is on providers of a tree.

    :param allocations: provider to resource class to an amount, or to anything
        else that there is of a class.
    """
    return {
        of(root, provider, name): value
        for provider, by_class in allocations.items()
        for name, value in by_class.items()
    }


def to_allocations(
    root: str, rows: Mapping[str, typing.Any]
) -> dict[str, dict[str, typing.Any]]:
    """Return provider to resource class to what the row has."""
    allocations: dict[str, dict[str, typing.Any]] = {}
    for row, value in rows.items():
        provider, name = split(root, row)
        allocations.setdefault(provider, {})[name] = value
    return allocations
