"""From a tap to a counselor (docs/escalation.md)."""
