import openstack

cloud = openstack.connect()
server = cloud.compute.create_server(
    name='worker-1',
    flavor_id=cloud.compute.find_flavor('m1.tiny').id,
    image_id='155d900f-4e14-4e4c-a73d-069cbf4541e6',
    networks=[{'uuid': '3cb9bc59-5699-4588-a4b1-b87f96708bc6'}],
    scheduler_hints={'preemptible': True},
)
cloud.compute.wait_for_server(server)

answer = cloud.compute.get(
    '/servers/' + server.id,
    headers={'OpenStack-API-Version': 'opie 1.0'},
)
print('preemptible:', answer.json()['server']['preemptible'])
