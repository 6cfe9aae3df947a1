curl --fail-with-body --no-progress-meter "$NOVA_URL/servers" \
    --header "X-Auth-Token: $OS_TOKEN" \
    --header 'Content-Type: application/json' \
    --header 'OpenStack-API-Version: opie 1.0' \
    --data '{
        "server": {
            "name": "worker-1",
            "flavorRef": "1",
            "imageRef": "155d900f-4e14-4e4c-a73d-069cbf4541e6",
            "networks": [{"uuid": "3cb9bc59-5699-4588-a4b1-b87f96708bc6"}],
            "preemptible": true
        }
    }'
