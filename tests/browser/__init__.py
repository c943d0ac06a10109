"""The surfaces as people use them: a real Chromium against a whole brain."""
