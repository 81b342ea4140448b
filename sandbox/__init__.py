"""Stand-ins that let the real Pulumi engine run Warren with nothing behind it.

Owns: three resource providers (kubernetes, cloudflare, random), a Python language host for engines that ship none,
and the script that puts them into the plugin cache of a ``PULUMI_HOME`` which belongs to the sandbox.  Does not own:
the platform's program.  Nothing here is imported by it.

The stand-ins never open a connection except to the engine that started them.
"""

STAND_IN = "sandbox stand-in"
"""The words by which every stand-in names itself in versions, logs and errors."""
