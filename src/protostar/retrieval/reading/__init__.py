"""A question as it was meant: the keyboard set to another script, words misspelt, blanks left out."""
