"""The files themselves: refusals in plain words, lines of a stack file, the schema and the reference pages."""
