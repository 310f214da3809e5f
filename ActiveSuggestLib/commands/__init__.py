"""The commands of ``activesuggest``, grouped by what they need; nothing heavy is imported here."""
