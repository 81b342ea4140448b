"""The room a workspace lives in: namespace, quota and walls, admission rules, and what people with kubectl may do."""
