"""The inbox: files that are dropped into a folder are taken, imported and put where their end belongs.

    look       which files are complete, which are still being written, which are none of ours
    accept     a complete file becomes an import, the file itself waits in ``accepted/``
    tries      when an accepted import is started, or started again
    settle     a file whose import ended goes to ``done/`` or ``rejected/``; what cannot be imported, too
    blank      the copy for ``done/`` without passwords

Who calls this, when, and what becomes a run is the business of ``assets``.
"""
