"""Which field of a source becomes which column: documents that are shipped, and those by which an account replaces them.

``document`` reads and checks one, ``kept`` knows which is in force. What a mapping does
with a record is the business of the stage that reads it.
"""
