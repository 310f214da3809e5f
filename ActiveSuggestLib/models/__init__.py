"""What learns: plan, networks, samples, training, inference and statistics."""
