"""What a preview costs, beside a bare Pulumi program that registers the same resources: ``python -m bench``.

See ``bench/__main__.py`` for what is measured and how. Nothing here is part of the platform.
"""
