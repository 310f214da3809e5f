"""The parts of the learner: each joins a project, the models and a device for one task."""
