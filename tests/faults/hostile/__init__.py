"""A storm of hostile frames: ``make hostile-frames`` at full size, ``make test`` with some thousands."""
