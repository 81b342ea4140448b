"""What a person writes: models, YAML with its lines, checks, mistakes in words, schemas and reference pages."""
