"""The group of tests that start runs themselves, and are in the machine's own namespaces."""
