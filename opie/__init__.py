"""Preemptible servers for OpenStack Nova."""
