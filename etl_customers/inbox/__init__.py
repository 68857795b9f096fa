"""Files dropped into the inbox: what may be taken, what became of it, where it goes."""
