"""What is wrong in files that are well formed: rules inside a workspace, inside a stack, between them, and sums."""
