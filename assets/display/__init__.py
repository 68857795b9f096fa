"""What the UI shows of an import: counts, columns, links, tags, and errors as plain failures."""
