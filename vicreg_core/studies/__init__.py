"""Many runs of one recipe: which, carried out and resumed, their scores in one table and on one page."""
