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

"""The errors of the sandbox.

The text of each error is for a user and says what to do.  A command prints
this text and nothing else.
"""


class SandboxError(Exception):
    """The cloud cannot be had as it was asked for."""


class Missing(SandboxError):
    """Something is not installed; the text says what to install."""


class NotStarted(SandboxError):
    """A process ended, or did not answer in time; the text has its log."""


class Interrupted(SandboxError):
    """A user asked the command to stop."""
