"""The import by pandas, with Pandera and to_sql."""
