import importlib.metadata

project = 'opie'
copyright = 'opie contributors'
version = release = importlib.metadata.version('openstack-opie')

extensions = [
    'oslo_config.sphinxext',
    'oslo_policy.sphinxext',
    'reno.sphinxext',
]

html_theme = 'alabaster'
html_theme_options = {
    'description': 'Preemptible servers for OpenStack Nova',
}
