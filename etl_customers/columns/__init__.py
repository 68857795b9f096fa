"""The account's columns: headers, synonyms, aliases, custom fields, properties, the template."""
