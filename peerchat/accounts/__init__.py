"""Who is here: the community and its log, accounts, devices, sessions, invites, PINs and key packages.

It knows nothing of rooms: what it must ask of them goes through ``seams``.
"""
