"""mailkit."""
