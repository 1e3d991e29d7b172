"""Who drives: the stack under test behind one contract, and the drivers that ship."""
