"""Interrupts a scheduler, or what it asks, and sees what becomes of it."""
