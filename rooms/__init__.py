"""Rooms: membership, the room log's projection, ciphertext delivery and its expiry."""
