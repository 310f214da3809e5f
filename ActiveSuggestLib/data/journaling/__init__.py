"""The journal of a project: events, rankings, sessions and their claims."""
