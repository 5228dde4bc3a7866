"""The base of every error that a user of the generator can cause: one sentence that says what to do."""


class GeneratorError(Exception):
    """Said in one line to the person who asked; subclasses tell rooms apart."""
