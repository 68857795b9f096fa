"""The home folder and the settings: the only room that reads the environment."""
