"""Questions about a network in use: how long an answer takes, and what video asks of it."""
