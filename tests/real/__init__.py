"""What the tests with real programs share: built programs, rendered stacks, a control plane and a client for it."""
