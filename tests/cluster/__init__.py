"""Tier 3: a real API server admits everything that Warren makes, and refuses what Warren forbids."""
