"""What a user would pick instead, each in an environment of its own, and how they are measured beside the engine."""
