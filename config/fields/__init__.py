"""The small types that stacks and workspaces are made of: names, ports, quantities, addresses, secret references.

Each refuses with a sentence that says what the value must look like. None echoes text that could be a secret.
"""
