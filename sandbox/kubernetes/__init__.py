"""Stand-in for the kubernetes provider in its render mode."""
