"""The process that runs the user's program for the stand-in language host.

Owns: what Pulumi's ``pulumi-language-python-exec`` does: configure the SDK, run the program in a stack, report a
failure once.  Does not own: anything about the program.

It is started before it is needed.  The SDK is imported while the engine reads its stack, and the order to run arrives
as one line of JSON on standard input.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import Any

SHOWN_TO_USER = 32
"""Exit code by which the program tells its host that the message is already on screen (from Pulumi's language host)."""

INTERRUPTED = 130
"""Exit code of a program that the engine told to stop."""

_early: subprocess.Popen[str] | None = None


def start(python: str) -> subprocess.Popen[str]:
    """Start a program process with the given interpreter; it waits for its order on standard input."""
    # -P: this file's directory must not be on the program's module path.
    return subprocess.Popen([python, "-P", os.path.abspath(__file__)], stdin=subprocess.PIPE, text=True)


def start_early() -> None:
    """Start the process with this interpreter, before anybody asked for it."""
    global _early
    _early = start(sys.executable)


def take_early(python: str) -> subprocess.Popen[str]:
    """Return the waiting process when it runs the wanted interpreter, else a new one."""
    global _early
    waiting, _early = _early, None
    if waiting is not None:
        if python == sys.executable and waiting.poll() is None:
            return waiting
        waiting.kill()
    return start(python)


def _traceback_of_user_code(program: str) -> str:
    """Return the traceback from the first frame that is the program's, so that the host's own frames do not show."""
    import traceback

    error = sys.exc_info()[1]
    assert error is not None
    frames = traceback.extract_tb(error.__traceback__)
    main = os.path.join(program, "__main__.py") if os.path.isdir(program) else program
    for index, frame in enumerate(frames):
        if os.path.abspath(frame.filename) == main:
            return traceback.format_exc(limit=-(len(frames) - index))
    return traceback.format_exc()


def run(order: dict[str, Any]) -> int:
    """Run one program and return the exit code for the host."""
    import asyncio
    import logging
    import runpy
    from concurrent.futures import ThreadPoolExecutor

    import pulumi
    import pulumi.runtime

    os.environ.update(order["environment"])
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env())
    settings = pulumi.runtime.Settings(**order["settings"])
    pulumi.runtime.configure(settings)
    program = os.path.abspath(order["program"])
    sys.argv = [order["program"], *order["arguments"]]
    os.chdir(order["directory"])
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=max(settings.parallel or 1, 1) * 4)
    loop.set_default_executor(executor)
    # A failed program leaves futures that nobody waits for; asyncio would report each of them (as in Pulumi's own
    # host).
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    def program_body() -> None:
        runpy.run_path(order["program"], run_name="__main__")

    code = 1
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(program_body))
        code = 0
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
    except Exception:
        pulumi.log.error("Program failed with an unhandled exception:\n" + _traceback_of_user_code(program))
        code = SHOWN_TO_USER
    except KeyboardInterrupt:
        # The engine has given up and says why; threads that still wait for its answers would never end.
        sys.stdout.flush()
        os._exit(INTERRUPTED)
    finally:
        executor.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return code


def _end_with_host(lifeline: int) -> None:
    """End this process when its host is gone, also when that was killed: the SDK would wait for the engine for ever."""
    while os.read(lifeline, 4096):
        pass
    os._exit(INTERRUPTED)


def main() -> None:
    """Import the SDK, wait for the order, run it."""
    # Until there is an order this process may be thrown away at any moment, and has nothing to say about it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    import pulumi  # noqa: F401  (its import is what this process is started early for)

    line = sys.stdin.readline()
    if not line:
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    lifeline = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=_end_with_host, args=(lifeline,), daemon=True).start()
    sys.exit(run(json.loads(line)))


if __name__ == "__main__":
    main()
