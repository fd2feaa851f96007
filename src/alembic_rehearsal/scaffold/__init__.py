"""Writes the workflow of a project: what it has to know, and what stands in it."""
