"""What everything else stands on: errors, private files, work beside, words of commands; knows nothing of customers."""
