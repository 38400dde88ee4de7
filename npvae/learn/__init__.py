"""The exercises: write the parts of a variational autoencoder, and be told what is wrong."""
