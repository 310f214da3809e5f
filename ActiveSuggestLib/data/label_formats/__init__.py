"""Label files in every format: found, read by segment name, and brought onto the image's grid."""
