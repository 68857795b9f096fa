"""The import by django-import-export, in bulk mode."""
