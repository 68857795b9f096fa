"""Changes of customers that are in the target: edited, undone, erased, deleted by age."""
