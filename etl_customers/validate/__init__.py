"""What rows must be to be loaded: places, phones, e-mails, dates, choices; duplicates are not judged here."""
