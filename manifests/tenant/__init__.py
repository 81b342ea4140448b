"""What holds for every tenant: admission rules, and what people with kubectl may do."""
