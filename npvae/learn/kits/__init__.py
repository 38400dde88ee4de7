"""`npvae learn kit`: what a teacher uploads to the common platforms, one module for each platform."""
