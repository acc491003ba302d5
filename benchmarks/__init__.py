"""The framework beside its alternatives, doing the same work in the same run."""
