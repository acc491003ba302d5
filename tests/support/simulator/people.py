"""Made-up people: names and addresses at example.com, from a number."""

from __future__ import annotations

_FIRST = (
    "Mina", "Oskar", "Lucía", "Tomasz", "Aiko", "René", "Ingrid", "Kwame", "Zoë", "Yusuf", "Sanne",
    "Björn", "Chiara", "Dmitri", "Elif", "Fionn", "Gwen", "Hamza", "Ilse", "Jakub", "Katya", "Liam",
    "Noor", "Petra",
)  # fmt: skip
_LAST = (
    "Aldersey", "Brontley", "Casterwick", "Dunmarrow", "Eskelund", "Farrowby", "Grünfeld",
    "Hollick", "Ipsley", "Jarnvik", "Kestrelman", "Løvdal", "Marchetto", "Norrington", "O'Fallow",
    "Pellworth", "Quillon", "Ravenhall", "Söderholm", "Tillbrook", "Umbermoor",
    "Vantongeren", "Wexcombe",
)  # fmt: skip


def names_for(number: int) -> tuple[str, str]:
    """First and last name of person `number`; they repeat after 552 people."""
    return _FIRST[number % len(_FIRST)], _LAST[number % len(_LAST)]


def email_for(number: int) -> str:
    """The address of person `number`, never the same for two."""
    return f"invitee{number:04d}@example.com"
