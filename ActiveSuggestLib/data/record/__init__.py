"""The parts of a project on disk: project.json, labels, drafts, and putting things right."""
