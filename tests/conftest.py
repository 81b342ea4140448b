"""What all tests share: properties are judged by what they find, not by how fast a machine finds it.

CI runs several Pythons' tests, two at a time; on a busy machine Hypothesis' own clocks failed tests that had nothing
wrong with them.  How long things may take is tested where it matters, in tests/config/test_speed.py.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
