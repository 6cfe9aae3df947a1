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

"""The directory that has all of a cloud: its record, data, settings and logs.

The record says what the cloud is.  It is written before anything is started
and replaced as a whole, so that the next command can always clean up.  Nothing
outside of this directory is written, and nothing is removed from it but what
was put there.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import re
import shutil

from opie.sandbox import errors
from opie.sandbox import processes
from opie.sandbox import record as record_module

_RECORD = 'cloud.json'
_LOCK = 'lock'
_FOLDERS = ('data', 'etc', 'logs', 'run')
_PRIVATE = 0o700
# The socket of MariaDB is in it, and a path of a socket is short.
_MAX_PATH_LENGTH = 80
# The path goes into configuration files of many kinds, and into shell scripts.
_PATH = re.compile(r'[A-Za-z0-9/._+@-]+')


class Home:
    """A cloud's directory, which need not exist.

    :param path: where; None for the user's default.
    """

    def __init__(self, path=None):
        path = pathlib.Path(path).expanduser() if path else default_path()
        self.path = path.resolve()
        self.data, self.etc, self.logs, self.run = (
            self.path / name for name in _FOLDERS
        )

    def create(self):
        """Make it usable.

        :raises errors.SandboxError: if it cannot be.
        """
        self._check_path()
        try:
            self.path.mkdir(_PRIVATE, parents=True, exist_ok=True)
            self._check_owner()
            for folder in (self.data, self.etc, self.logs, self.run):
                folder.mkdir(_PRIVATE, exist_ok=True)
        except OSError as error:
            raise errors.SandboxError(
                '%s cannot be written: %s. Choose another directory with '
                '--state-dir.' % (self.path, error.strerror)
            ) from error

    def _check_path(self):
        path = str(self.path)
        if len(path) > _MAX_PATH_LENGTH or not _PATH.fullmatch(path):
            raise errors.SandboxError(
                'The path %s does not do: choose one of at most %d characters '
                'with --state-dir, and of none but letters, digits and '
                '/ . _ - + @' % (path, _MAX_PATH_LENGTH)
            )

    def exists(self):
        """Tell whether this is the directory of a cloud."""
        return (self.path / _RECORD).is_file()

    def _check_owner(self):
        if self.exists():
            return
        for item in self.path.iterdir():
            is_empty = item.is_dir() and not any(item.iterdir())
            if not (item.name == _LOCK or item.name in _FOLDERS and is_empty):
                raise errors.SandboxError(
                    '%s has other files in it. Choose another directory with '
                    '--state-dir.' % self.path
                )

    @contextlib.contextmanager
    def locked(self):
        """Keep others from changing the cloud meanwhile.

        :raises errors.SandboxError: if another does already.
        """
        try:
            lock = open(self.path / _LOCK, 'ab')  # noqa: SIM115
        except OSError as error:
            raise errors.SandboxError(
                '%s cannot be written: %s.' % (self.path, error.strerror)
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise errors.SandboxError(
                    'Another opie-sandbox is at work on %s: wait for it or '
                    'interrupt it.' % self.path
                ) from None
            yield

    def read(self):
        """Return the :class:`record.Record`, None if there is no cloud.

        :raises errors.SandboxError: if it is not one of this version.
        """
        try:
            text = (self.path / _RECORD).read_text()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise errors.SandboxError(
                '%s cannot be read: %s.' % (self.path, error.strerror)
            ) from error
        try:
            return record_module.load(text)
        except ValueError as error:
            raise errors.SandboxError(
                'The cloud in %s is not one of this version of opie-sandbox '
                '(%s): remove it with "opie-sandbox reset".'
                % (self.path, error)
            ) from error

    def write(self, record):
        write_privately(self.path / _RECORD, record_module.dump(record))

    def erase(self):
        """Remove everything but the directory and its lock.

        What is not the directory of a cloud is left alone.
        """
        if not self.exists():
            return
        # The record is the last, because a command that has to remove the rest
        # once more needs it.
        for name in (*_FOLDERS, _RECORD):
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def log(self, name):
        """Return the path of the log of a service."""
        return self.logs / (name + '.log')

    def note(self, name, process, digest):
        """Write down which process a service is, and what it was made of."""
        values = {**dataclasses.asdict(process), 'digest': digest}
        write_privately(self.run / (name + '.json'), json.dumps(values))

    def noted(self):
        """Return service to (:class:`processes.Process`, digest)."""
        found = {}
        if not self.exists():
            return found
        for path in sorted(self.run.glob('*.json')):
            with contextlib.suppress(ValueError, KeyError, TypeError, OSError):
                values = json.loads(path.read_text())
                digest = values.pop('digest')
                found[path.stem] = processes.Process(**values), digest
        return found

    def forget(self, name):
        (self.run / (name + '.json')).unlink(missing_ok=True)


def default_path():
    """Return where the cloud of this user is."""
    state = os.environ.get('XDG_STATE_HOME')
    base = pathlib.Path(state or '~/.local/state').expanduser()
    return base / 'opie-sandbox'


def write_privately(path, text):
    """Replace a file as a whole, readable for its owner only."""
    path.parent.mkdir(_PRIVATE, parents=True, exist_ok=True)
    other = path.with_name(path.name + '.new')
    with open(os.open(other, os.O_WRONLY | os.O_CREAT, 0o600), 'w') as file:
        file.truncate()
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    other.replace(path)
