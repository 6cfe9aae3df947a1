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

"""Calls at different depths of the stack.

CPython 3.11 and later keep frames in chunks of 16 KiB.  Code that calls across
the end of one takes a new chunk from the system and gives it back at each
call, so that the same code can be a third slower a few frames deeper.  What is
compared therefore has to be compared at many depths.
"""

# So many of the frames below nearly fill a chunk.
_FRAMES = 128


def depth(index, number):
    """Return the depth of one of a number of calls, spread over a chunk.

    :param index: of the call, from 0.
    """
    return _FRAMES * index // number


def call(depth, function, *args):
    """Call a function so many frames below, and return what it returns."""
    if depth:
        return call(depth - 1, function, *args)
    return function(*args)
