"""`npvae learn kit`: what a teacher uploads to the platforms that classes use, one file a platform."""
