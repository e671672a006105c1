"""What strings and values one version of an element takes and another refuses: small automata, plain Python."""
