"""Bare Pulumi programs, copied into a project of their own as its `__main__.py`. They use nothing of Warren."""
