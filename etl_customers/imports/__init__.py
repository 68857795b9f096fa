"""One import or pull from its acceptance to its end: the installation, the gate of every stage, the stages in order."""
