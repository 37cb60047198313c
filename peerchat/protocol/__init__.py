"""THE wire contract, pure: what clients and the server say to each other, and nothing about how it is stored.

``types`` fields; ``limits`` sizes; ``codec`` canonical MessagePack; ``signed`` what people sign; ``power_matrix``
who may do what; ``client_frames`` and ``server_frames`` the WebSocket; ``http_bodies`` HTTP; ``generate`` writes
``schema.json`` and the TypeScript.
"""
