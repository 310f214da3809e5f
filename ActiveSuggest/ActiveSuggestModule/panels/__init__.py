"""The sections of the module's panel, in the order of work, and the dialogs beside them."""
