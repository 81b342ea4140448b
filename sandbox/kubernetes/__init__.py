"""Stand-in for the kubernetes provider, whose render mode it serves with the manners of a connected one."""
