"""What lies on disk: images, labels, the pool, the journal and the project. Never needs torch."""
