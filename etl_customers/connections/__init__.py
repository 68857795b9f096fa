"""Connections to QuickBooks Online and Xero: made by a person, kept alive, their tokens stored encrypted."""
