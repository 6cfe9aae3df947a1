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

"""glance, with two images that all projects share.

Images may be made, changed and deleted, and nova makes them of servers.  What
they hold is counted and forgotten, because the sandbox's hosts read no image.
"""

IMAGE_ID = '155d900f-4e14-4e4c-a73d-069cbf4541e6'
IMAGE_NAME = 'tiny'
# Something to rebuild a server from.
IMAGES = {
    IMAGE_ID: IMAGE_NAME,
    '2a7c1e94-6f0b-4d38-9b52-c8e15f7a3d60': 'tiny-2',
}
SIZE_BYTES = 1024
