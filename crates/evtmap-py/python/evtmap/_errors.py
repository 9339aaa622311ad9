"""What can go wrong, and what is worth a warning."""

from __future__ import annotations

from typing import Optional


class EvtmapError(Exception):
    """Something could not be done.

    Attributes
    ----------
    message : str
        What is wrong.
    code : str or None
        A stable code, such as ``input-missing``.
    file : str or None
        The file it is about.
    line : int or None
        The line in it, counted from 1.
    help : str or None
        What can be done about it.
    """

    def __init__(
        self,
        message: str,
        *,
        code: Optional[str] = None,
        file: Optional[str] = None,
        line: Optional[int] = None,
        help: Optional[str] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.file = file
        self.line = line
        self.help = help

    def __str__(self) -> str:
        text = self.message
        if self.line is not None:
            text = f"{text} (line {self.line})"
        if self.help:
            text = f"{text}\nhelp: {self.help}"
        return text

    def __reduce__(self) -> "tuple[object, ...]":
        details = {key: value for key, value in self.__dict__.items() if key != "message"}
        return (_rebuilt, (type(self), self.message, details))


def _rebuilt(kind: "type[EvtmapError]", message: str, details: "dict[str, object]") -> EvtmapError:
    error = kind(message)
    error.__dict__.update(details)
    return error


class InputError(EvtmapError):
    """A log cannot be read."""


class RulesError(EvtmapError):
    """Rules cannot be read, or none of them can be used."""


class AttackError(EvtmapError):
    """A file is no ATT&CK that can be used."""


class UpdateError(EvtmapError):
    """Newer rules or ATT&CK data could not be fetched; what was in use still is."""


class OptionError(EvtmapError, ValueError):
    """An option is not what it has to be."""


class EvtmapWarning(UserWarning):
    """Something was left out."""


class RuleWarning(EvtmapWarning):
    """Rules are not used."""


class RecordWarning(EvtmapWarning):
    """Records could not be read."""


class InputWarning(EvtmapWarning):
    """Files could not be read."""
