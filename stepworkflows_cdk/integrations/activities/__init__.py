"""Steps that workers do, anywhere."""
