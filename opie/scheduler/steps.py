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

"""Marks for doc/source/protocol.rst and for the tests of interruptions.

A reader may skip the marks, because a mark leaves its function as it is.  Each
names the step of the protocol that a function carries out: a row of that page,
which tells what is left when a scheduler dies in the step, and what repairs
it.  The tests let a scheduler die at each call to nova or placement.  A call
belongs to the innermost marked function that leads to it.
"""

from collections.abc import Callable
import types
import typing

_Function = typing.TypeVar('_Function', bound=Callable[..., typing.Any])

# Code to the name of its step.
STEPS: dict[types.CodeType, str] = {}
# What asks until nova or placement has done its part.
POLLING: set[types.CodeType] = set()
# What keeps answers, and so does not ask for them again.
REMEMBERING: set[types.CodeType] = set()


def step(name: str) -> Callable[[_Function], _Function]:
    """Say which step a function carries out.

    :param name: as in the protocol's page: what the scheduler does.
    """

    def mark(function: _Function) -> _Function:
        STEPS[_code(function)] = name
        return function

    return mark


def polling(function: _Function) -> _Function:
    """Say that time decides how often a function asks."""
    POLLING.add(_code(function))
    return function


def remembering(function: _Function) -> _Function:
    """Say that earlier answers decide what a function asks for."""
    REMEMBERING.add(_code(function))
    return function


def _code(function: Callable[..., typing.Any]) -> types.CodeType:
    return typing.cast(types.FunctionType, function).__code__
