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

"""A small cloud to try opie on: real nova and placement in one process.

``python -m opie.sandbox.inprocess.demo`` shows a preemption on it.
"""

import os

# NOTE: nova/monkey_patch.py chooses threads or eventlet as it is imported, so
# this comes before every module of this package.
os.environ.setdefault('OS_NOVA_DISABLE_EVENTLET_PATCHING', 'True')
