"""A mail server inside the notebook, and pictures of what happens to its mailboxes."""
