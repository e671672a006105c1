"""The witness, run as the program that it is."""
