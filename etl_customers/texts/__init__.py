"""Texts of cells and labels before any rule reads them: what nobody sees, what is no value, how names are compared."""
