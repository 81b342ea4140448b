"""What ends a connection, and what does not.

After the attacks and before the faults: the silent connections wait meanwhile, and a fault would end them.
"""

from __future__ import annotations

from tests.live.silence import Silent


def test_rule_66_silence_ends_no_connection_before_its_routes_own_limit(silent: Silent) -> None:
    assert silent.said() == []
