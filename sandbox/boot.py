"""Process entry of every stand-in: ``python -I -S boot.py <site-packages> <role> <engine address>``.

Owns: getting the gRPC stubs of the Pulumi SDK imported without paying for the SDK.  ``import pulumi`` takes over a
second; the stubs under ``pulumi.runtime.proto`` take 50 ms and need nothing else of it.  So this process, and only
this process, gives the three parent packages empty modules that have a search path and no code. ``-S`` skips the
``.pth`` files of the environment, which a stand-in does not need; that is why the path is an argument.

Does not own: what the stand-ins answer.
"""

import os
import sys
import types


def empty_package(name: str, path: str) -> None:
    """Give a package without its own code: what is in it can be imported, and ``__init__`` is not run."""
    module = types.ModuleType(name)
    module.__path__ = [path]
    sys.modules[name] = module


def without_the_sdk(site: str) -> None:
    """Make the SDK's gRPC stubs importable from ``site`` without the SDK."""
    empty_package("pulumi", os.path.join(site, "pulumi"))
    empty_package("pulumi.runtime", os.path.join(site, "pulumi", "runtime"))
    empty_package("pulumi.runtime.proto", os.path.join(site, "pulumi", "runtime", "proto"))


def _asked_before() -> bool:
    """Say whether this engine has started a language host before.

    It starts two for a preview: the first only tells its version and is dropped, the second runs the program.
    """
    engine = str(os.getppid())
    path = os.path.join(os.environ.get("PULUMI_HOME") or os.path.dirname(sys.argv[0]), "sandbox-engine")
    try:
        with open(path, encoding="utf-8") as file:
            if file.read() == engine:
                return True
    except OSError:
        pass
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(engine)
    except OSError:
        pass  # Without the note the program merely starts a little later.
    return False


def main() -> None:
    """Prepare the import system and hand over to the stand-in that argv names."""
    site, role, *arguments = sys.argv[1:]
    sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), site]
    if role == "language":
        # The program's own process is started first: it imports the SDK while this one is still getting ready.
        from sandbox.program import start_early

        if _asked_before():
            start_early()
    without_the_sdk(site)
    if role == "language":
        from sandbox.language import main as serve
    elif role == "kubernetes":
        from sandbox.kubernetes.provider import main as serve
    elif role == "cloudflare":
        from sandbox.cloudflare import main as serve
    elif role == "random":
        from sandbox.randomness import main as serve
    else:
        raise SystemExit(f"unknown stand-in: {role}")
    # The engine may put flags such as --tracing before the address.
    serve(arguments[-1] if arguments else "")


if __name__ == "__main__":
    main()
