"""The Python client: sign in, join, send, follow. It knows the wire contract and nothing of the server's
insides.
"""
