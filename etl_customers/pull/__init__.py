"""Reading a provider: its customers page by page into staging, then as rows with our columns."""
