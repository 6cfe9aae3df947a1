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

"""Checks whether the installed nova has the symbols that opie uses.

symbols.py lists these symbols.  Import this module only where nova may be
imported.
"""

import dis
import importlib
import importlib.metadata
import inspect
import types

from opie.nova_compat import symbols


class _AbsentError(Exception):
    """There is nothing of that name."""


def differences() -> list[str]:
    """Return a sentence for each symbol that nova does not have as needed."""
    return list(filter(None, map(difference, symbols.symbols())))


def difference(symbol: symbols.Symbol) -> str | None:
    """Return a sentence if nova is not as opie needs it, else None.

    nova's objects must be registered before, because only then they are
    attributes of nova.objects.
    """
    try:
        found = _find(symbol.path)
    except _AbsentError:
        differs = 'nova %s has no %s' % (release(), symbol.path)
    else:
        differs = _difference(symbol, found)
    if differs is None:
        return None
    return '%s, which opie needs %s.' % (differs, symbol.purpose)


def _difference(symbol, found):
    if symbol.arguments is None and symbol.override is None:
        return None
    signature = inspect.signature(_undecorated(found))
    said = '%s of nova %s takes %s' % (symbol.path, release(), signature)
    if symbol.override is not None:
        try:
            own = inspect.signature(_find(symbol.override))
        except Exception:
            # It cannot be loaded because another symbol is absent, of which
            # there is a sentence; and it is loaded as the scheduler's class.
            return None
        if _takes(own, _names(signature)):
            return None
        return '%s and %s in its place %s' % (said, symbol.override, own)
    positional = [name for name in symbol.arguments if not name.endswith('=')]
    keywords = [name[:-1] for name in symbol.arguments if name.endswith('=')]
    if _takes(signature, positional, keywords):
        return None
    return '%s and not (%s)' % (said, ', '.join(symbol.arguments))


def _undecorated(function):
    """Return what oslo.messaging has decorated, or the same function."""
    # NOTE: oslo_messaging/rpc/server.py does not use functools.wraps.
    if inspect.isfunction(function) and function.__name__ == 'inner':
        return inspect.getclosurevars(function).nonlocals['func']
    return function


def _names(signature):
    """Return the names of what nova can give by position."""
    return [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]


def release() -> str:
    """Return the version of the installed nova."""
    return importlib.metadata.version('nova')


def _takes(signature, positional, keywords=()):
    try:
        signature.bind(*positional, **dict.fromkeys(keywords))
    except TypeError:
        return False
    return True


def _find(path):
    """Return what a dotted path names.

    An attribute that only instances have is found as its own name.

    :raises _AbsentError: if there is nothing of that name.
    """
    names = path.split('.')
    found = importlib.import_module(names[0])
    for depth, name in enumerate(names[1:], 2):
        if hasattr(found, name):
            found = getattr(found, name)
        elif isinstance(found, types.ModuleType):
            found = _import('.'.join(names[:depth]))
        elif inspect.isclass(found) and _sets(found, name):
            found = name
        else:
            raise _AbsentError(path)
    return found


def _import(name):
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # An import that fails within the module is told in full.
        if error.name != name:
            raise
        raise _AbsentError(name) from error


def _sets(cls, name):
    """Tell whether a method of a class gives its instances an attribute."""
    return any(
        instruction.opname == 'STORE_ATTR' and instruction.argval == name
        for base in cls.__mro__
        for function in vars(base).values()
        if inspect.isfunction(function)
        for code in _codes(inspect.unwrap(function).__code__)
        for instruction in dis.get_instructions(code)
    )


def _codes(code):
    """Yield a function's code and that of the functions in it."""
    yield code
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from _codes(constant)
