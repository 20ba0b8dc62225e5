"""IMAP4rev1 (RFC 3501): `session` is where to begin reading."""
