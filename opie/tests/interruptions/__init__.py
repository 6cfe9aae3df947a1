"""Interrupts a scheduler, or what it asks, and checks the cloud afterwards."""
