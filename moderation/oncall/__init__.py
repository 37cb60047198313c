"""Who is on call, and how they are paged (docs/escalation.md)."""
