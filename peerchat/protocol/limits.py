"""Every size and count on the wire, in one list; the unit stands in the name."""

FRAME_MAX_BYTES = 65_536
"""One WebSocket frame, both directions."""
BODY_MAX_BYTES = 65_536
"""One HTTP request body. Twisted spools larger ones to a file, so they are refused before they are read."""
CIPHERTEXT_MAX_BYTES = 20_480
"""One application message: 16,384 bytes of padded text and MLS framing."""
COMMIT_MAX_BYTES = 24_576
WELCOME_MAX_BYTES = 40_960
KEY_PACKAGE_MAX_BYTES = 2_048
ENTRY_MAX_BYTES = 1_024
ENTRY_BODY_MAX_BYTES = 1_024
STATEMENT_MAX_BYTES = 1_024
BACKUP_MAX_BYTES = 4_096

TEXT_MAX_CHARS = 4_000
"""What a person can write in one message."""
NOTE_MAX_CHARS = 80
"""A content note, shown in place of a folded message."""
HANDLE_MAX_CHARS = 24
ROOM_NAME_MAX_CHARS = 60
ROOM_MEMBERS_MAX = 60
"""A Welcome carries the whole ratchet tree; at 60 members it fits one HTTP body."""

PULL_MAX_ITEMS = 200
PULL_MAX_BYTES = 49_152
"""An answer to a pull stops before it outgrows one frame."""
KEY_PACKAGES_MAX = 20
KEY_PACKAGE_LIFETIME_MS = 14 * 24 * 3600 * 1000
PRESENCE_MAX_ROOMS = 20
CASE_SEALED_MAX_BYTES = 20_480
"""What a survivor released: 16,384 bytes of padded text, a signature, and what seals it."""
CASE_BOX_MAX_BYTES = 128
"""A content key of 32 bytes in a sealed box (48 bytes more)."""
CASE_BOXES_MAX = 100
CONTACT_TARGET_MAX_CHARS = 300
BOX_KEY_LIFETIME_MS = 8 * 24 * 3600 * 1000
"""A box key is used for a week; a day more lets a phone that was off renew it."""
CLAIM_MAX_DEVICES = 30

EXPIRY_MIN_SECONDS = 3_600
EXPIRY_MAX_SECONDS = 30 * 24 * 3_600
EXPIRY_DEFAULT_SECONDS = 24 * 3_600

CREDIT_WINDOW_FRAMES = 64
CREDIT_WINDOW_BYTES = 1_048_576
SLOW_READER_MS = 10_000
PRESENCE_LEASE_MS = 30_000
PRESENCE_RENEW_MS = 12_000
COMMIT_NOMINATION_MS = 5_000
TURN_RENEW_MS = 5_000
"""How often a device repeats that it waits for its turn to commit; forgotten after twice that."""
CLOCK_SKEW_MS = 300_000
"""How far a signed entry's ``at`` may stand from the server's clock."""

PADDED_SIZES = (256, 512, 1_024, 4_096, 16_384)
