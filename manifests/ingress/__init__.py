"""Ingress objects, and how the two controllers are told to serve them alike."""
