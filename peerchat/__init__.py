"""The project shell, and what both apps stand on."""

__version__ = "0.1.0"
