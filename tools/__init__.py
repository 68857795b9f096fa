"""Scripts of those who maintain the house; none of them ships."""
