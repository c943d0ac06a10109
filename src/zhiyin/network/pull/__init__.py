"""Pulls: data fetched on schedule from where others keep it. What is declared, and the runner."""
